/** What is known of the pods in our own namespace, of which the agents are some: who they are and where they run. */
import type { Pod } from '../api/core.ts';
import { Pods } from '../api/core.ts';
import type { KubernetesPort } from '../runtime/kubernetes.ts';
import { isKubernetesError } from '../runtime/kubernetes.ts';
import type { ReviewedIdentity } from './auth/identity.ts';
import { ApiProblem } from './problem.ts';

/** UIDs of deleted pods that are remembered. */
const MAX_GONE = 20_000;

export interface PodDirectoryOptions {
  kubernetes: Pick<KubernetesPort, 'get'>;
  namespace: string;
  serviceAccount: string;
}

interface PodFacts {
  uid: string | undefined;
  node: string | undefined;
  serviceAccount: string | undefined;
}

const factsOf = (pod: Pod): PodFacts => ({
  uid: pod.metadata.uid,
  node: pod.spec?.nodeName,
  serviceAccount: pod.spec?.serviceAccountName,
});

/** Keeps of a pod what this process reads: its name, UID, node and ServiceAccount. */
export const trimPod = (pod: Pod): Pod => ({
  metadata: {
    name: pod.metadata.name,
    ...(pod.metadata.namespace === undefined ? {} : { namespace: pod.metadata.namespace }),
    ...(pod.metadata.uid === undefined ? {} : { uid: pod.metadata.uid }),
    ...(pod.metadata.resourceVersion === undefined ? {} : { resourceVersion: pod.metadata.resourceVersion }),
  },
  spec: {
    ...(pod.spec?.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    ...(pod.spec?.serviceAccountName === undefined
      ? {}
      : { serviceAccountName: pod.spec.serviceAccountName }),
  },
});

/** Fed by a reflector; asks live for what that has not seen yet. */
export class PodDirectory {
  readonly #options: PodDirectoryOptions;
  readonly #pods = new Map<string, PodFacts>();
  readonly #gone = new Set<string>();

  constructor(options: PodDirectoryOptions) {
    this.#options = options;
  }

  /** A pod as it is now. A new UID under a known name means that the old pod is gone. @returns UIDs that are gone. */
  changed(pod: Pod): string[] {
    const before = this.#pods.get(pod.metadata.name)?.uid;
    this.#pods.set(pod.metadata.name, factsOf(pod));
    return before === undefined || before === pod.metadata.uid ? [] : this.#bury(before);
  }

  /** A pod was deleted. @returns UIDs that are gone. */
  deleted(pod: Pod): string[] {
    const known = this.#pods.get(pod.metadata.name)?.uid;
    const uid = pod.metadata.uid ?? known;
    if (known === uid) this.#pods.delete(pod.metadata.name);
    return uid === undefined ? [] : this.#bury(uid);
  }

  /** True once this pod was seen to be deleted. UIDs never return. */
  isGone(uid: string): boolean {
    return this.#gone.has(uid);
  }

  /**
   * Confirms that the pod of a reviewed token exists and is an agent's.
   * @returns the name of its node.
   * @throws ApiProblem PodReplaced, WrongServiceAccount, TokenNotBound, NodeMismatch, or ReviewUnavailable when
   * Kubernetes had to be asked and did not answer.
   */
  async confirm(identity: ReviewedIdentity): Promise<string> {
    if (this.isGone(identity.podUid)) throw new ApiProblem('PodReplaced');
    const cached = this.#pods.get(identity.pod);
    const facts = cached?.uid === identity.podUid ? cached : await this.#read(identity.pod);
    if (facts.uid !== identity.podUid) throw new ApiProblem('PodReplaced');
    if (facts.serviceAccount !== this.#options.serviceAccount) throw new ApiProblem('WrongServiceAccount');
    if (facts.node === undefined) throw new ApiProblem('TokenNotBound');
    if (identity.node !== undefined && identity.node !== facts.node) throw new ApiProblem('NodeMismatch');
    return facts.node;
  }

  async #read(name: string): Promise<PodFacts> {
    try {
      return factsOf(await this.#options.kubernetes.get(Pods, { name, namespace: this.#options.namespace }));
    } catch (error) {
      if (isKubernetesError(error, 'notFound')) throw new ApiProblem('PodReplaced', { cause: error });
      throw new ApiProblem('ReviewUnavailable', { cause: error });
    }
  }

  #bury(uid: string): string[] {
    this.#gone.add(uid);
    if (this.#gone.size > MAX_GONE) {
      const [oldest] = this.#gone;
      if (oldest !== undefined) this.#gone.delete(oldest);
    }
    return [uid];
  }
}
