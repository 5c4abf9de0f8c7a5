/** A Kubernetes with many shadows and nothing else, small enough not to count in the measurement of the API server. */
import type { Pod } from '../../../src/api/core.ts';
import { Pods } from '../../../src/api/core.ts';
import { AGENT_SERVICE_ACCOUNT, NAMESPACE, TOKEN_AUDIENCE, shadowName } from '../../../src/api/names.ts';
import type { BottlerocketShadow } from '../../../src/api/v2/bottlerocketshadow.ts';
import type { KubeObject, KubernetesPort, WatchEvent } from '../../../src/runtime/kubernetes.ts';
import { KubernetesError } from '../../../src/runtime/kubernetes.ts';

const EXTRA = 'authentication.kubernetes.io/';

/** Real ones come once a minute; the replica's time may hurry. */
const BOOKMARK_MS = 5_000;

export const nodeName = (index: number): string => `ip-10-${index >> 8}-${index & 255}.ec2.internal`;

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** As Kubernetes makes it, in length too; the subject says which node. */
export function tokenOf(index: number, expiresAtSeconds: number): string {
  const claims = { sub: String(index), exp: expiresAtSeconds, pad: 'x'.repeat(500) };
  return `${part({ alg: 'RS256' })}.${part(claims)}.${'s'.repeat(342)}`;
}

const unused = (): never => {
  throw new KubernetesError('invalid', 'not part of the measurement');
};

/** Events for one reader. */
class Queue {
  readonly #waiting: WatchEvent<KubeObject>[] = [];
  readonly #version: () => string;
  #more = Promise.withResolvers<void>();

  constructor(version: () => string) {
    this.#version = version;
  }

  add(event: WatchEvent<KubeObject>): void {
    this.#waiting.push(event);
    this.#more.resolve();
  }

  async *read(signal: AbortSignal): AsyncGenerator<WatchEvent<KubeObject>> {
    signal.addEventListener('abort', () => this.#more.resolve());
    const bookmarks = setInterval(
      () => this.add({ type: 'BOOKMARK', resourceVersion: this.#version() }),
      BOOKMARK_MS,
    );
    while (!signal.aborted) {
      yield* this.#waiting.splice(0);
      await this.#more.promise;
      this.#more = Promise.withResolvers();
    }
    clearInterval(bookmarks);
  }
}

/** All nodes are there from the start, each with its agent's pod and a shadow of usual size. */
export function manyShadows(count: number): KubernetesPort {
  const shadows = new Map<string, BottlerocketShadow>();
  const pods: Pod[] = [];
  for (let index = 0; index < count; index += 1) {
    const node = nodeName(index);
    shadows.set(shadowName(node), shadowOf(node));
    pods.push({
      metadata: { name: `agent-${index}`, namespace: NAMESPACE, uid: `pod-${index}`, resourceVersion: '1' },
      spec: { nodeName: node, serviceAccountName: AGENT_SERVICE_ACCOUNT },
    });
  }
  let version = 1;
  const versionText = (): string => String(version);
  const changes = new Queue(versionText);

  return {
    list: async (resource) => {
      const items: KubeObject[] = resource.plural === Pods.plural ? pods : [...shadows.values()];
      return { items, resourceVersion: String(version) } as never;
    },
    watch: (resource, { signal }) =>
      (resource.plural === Pods.plural ? new Queue(versionText) : changes).read(signal) as never,
    get: async (_resource, { name }) => (shadows.get(name) ?? unused()) as never,
    patch: async (_resource, { name }, body) => {
      const old = shadows.get(name) ?? unused();
      version += 1;
      const { status } = body as BottlerocketShadow;
      const metadata = { ...old.metadata, resourceVersion: String(version) };
      const shadow = { ...old, metadata, status: { ...old.status, ...status } };
      shadows.set(name, shadow);
      changes.add({ type: 'MODIFIED', object: shadow });
      return shadow as never;
    },
    reviewToken: async (token) => {
      const { sub } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
        sub: string;
      };
      const node = nodeName(Number(sub));
      return {
        authenticated: true,
        username: `system:serviceaccount:${NAMESPACE}:${AGENT_SERVICE_ACCOUNT}`,
        audiences: [TOKEN_AUDIENCE],
        extra: {
          [`${EXTRA}node-name`]: [node],
          [`${EXTRA}node-uid`]: [`uid-${node}`],
          [`${EXTRA}pod-name`]: [`agent-${sub}`],
          [`${EXTRA}pod-uid`]: [`pod-${sub}`],
        },
      };
    },
    create: unused,
    delete: unused,
    evict: unused,
    clockSkewMs: () => 0,
  };
}

const shadowOf = (node: string): BottlerocketShadow => ({
  metadata: {
    name: shadowName(node),
    namespace: NAMESPACE,
    uid: `shadow-${node}`,
    resourceVersion: '1',
    generation: 1,
    ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: node, uid: `uid-${node}` }],
  },
  spec: {
    state: 'Idle',
    version: null,
    attempt: 3,
    state_transition_timestamp: '2026-01-01T00:00:00Z',
    policy: { name: 'default', uid: '00000000-0000-0000-0000-000000000000' },
    host: { lock: 'Pin', waves: 'Respect' },
  },
  status: {
    current_state: 'Idle',
    current_version: '1.50.0',
    target_version: '1.51.0',
    host: {
      uid: `shadow-${node}`,
      seq: 0,
      generation: 1,
      bootId: '00000000-0000-0000-0000-000000000000',
      agentVersion: '0.1.0',
      variant: 'aws-k8s-1.36',
      arch: 'x86_64',
      updateState: 'Available',
      available: ['1.51.0', '1.50.1'],
      checkedAt: '2026-01-01T00:00:00Z',
    },
  },
});
