/** The shadows as this replica knows them, and as Kubernetes has them at this moment. */
import { shadowName } from '../api/names.ts';
import type { BottlerocketShadow } from '../api/v2/bottlerocketshadow.ts';
import { BottlerocketShadows } from '../api/v2/bottlerocketshadow.ts';
import type { KubernetesPort } from '../runtime/kubernetes.ts';
import { KubernetesError, isKubernetesError } from '../runtime/kubernetes.ts';
import { ApiProblem } from './problem.ts';

/** Fed by a reflector. What it holds may be old: every write carries the resourceVersion it was decided on. */
export class ShadowDirectory {
  readonly #kubernetes: Pick<KubernetesPort, 'get'>;
  readonly #namespace: string;
  readonly #shadows = new Map<string, BottlerocketShadow>();
  readonly #written = new Map<string, BottlerocketShadow>();

  constructor(options: { kubernetes: Pick<KubernetesPort, 'get'>; namespace: string }) {
    this.#kubernetes = options.kubernetes;
    this.#namespace = options.namespace;
  }

  /** @returns what it replaces. */
  changed(shadow: BottlerocketShadow): BottlerocketShadow | undefined {
    const { name } = shadow.metadata;
    const before = this.#shadows.get(name);
    this.#shadows.set(name, shadow);
    this.#written.delete(name);
    return before;
  }

  deleted(name: string): void {
    this.#shadows.delete(name);
    this.#written.delete(name);
  }

  /**
   * Keeps the answer to a write of ours until the reflector says something of that shadow, so that the next report
   * need not be judged against what this one has just replaced.
   */
  wrote(shadow: BottlerocketShadow): void {
    const { name, uid } = shadow.metadata;
    if (this.#shadows.get(name)?.metadata.uid === uid) this.#written.set(name, shadow);
  }

  /** The shadow of a node as the reflector knows it. */
  seen(node: string): BottlerocketShadow | undefined {
    return this.#shadows.get(shadowName(node));
  }

  /** The shadow of a node as it was last seen or written by this replica. */
  recent(node: string): BottlerocketShadow | undefined {
    return this.#written.get(shadowName(node)) ?? this.seen(node);
  }

  /**
   * Reads the shadow of a node from Kubernetes, never from a cache.
   * @throws ApiProblem ShadowNotFound, KubernetesUnavailable.
   */
  async live(node: string): Promise<BottlerocketShadow> {
    try {
      return await this.#kubernetes.get(BottlerocketShadows, {
        name: shadowName(node),
        namespace: this.#namespace,
      });
    } catch (error) {
      if (isKubernetesError(error, 'notFound')) throw new ApiProblem('ShadowNotFound', { cause: error });
      throw error instanceof KubernetesError ? unavailable(error) : error;
    }
  }
}

/** Kubernetes did not do what it was asked, for a reason that is not the caller's. */
export function unavailable(error: KubernetesError): ApiProblem {
  const { retryAfterMs } = error;
  return new ApiProblem('KubernetesUnavailable', {
    cause: error,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
