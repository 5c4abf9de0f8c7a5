/** For tests: a Kubernetes that does as it is told, an agent with its token, and an API server between the two. */
import type { Pod } from '../api/core.ts';
import { Pods } from '../api/core.ts';
import { AGENT_SERVICE_ACCOUNT, NAMESPACE, TOKEN_AUDIENCE, shadowName } from '../api/names.ts';
import type { BottlerocketShadow, ShadowSpec } from '../api/v2/bottlerocketshadow.ts';
import type { StatusReport } from '../api/wire.ts';
import type { Clock } from '../runtime/clock.ts';
import type { KubeObject, KubernetesPort, ReviewedToken } from '../runtime/kubernetes.ts';
import { KubernetesError } from '../runtime/kubernetes.ts';
import { silentLogger } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { noMetrics } from '../runtime/metrics.ts';
import { AgentApi } from './agentapi.ts';
import type { Sink } from './streams/stream.ts';

type Call = 'get' | 'patch' | 'review';
/** Happens instead of a call, or (when it returns) before it. `after` happens once it is done. */
type Script = { before?: () => void | Promise<void>; after?: () => void };

const NODE = 'node-a';
const EXTRA = 'authentication.kubernetes.io/';

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token as Kubernetes makes them, as far as anybody here can tell. */
export const token = (id: string, expiresAtMs?: number): string => {
  const exp = expiresAtMs === undefined ? {} : { exp: expiresAtMs / 1000 };
  return `${part({ alg: 'RS256' })}.${part({ sub: id, ...exp })}.${Buffer.from(id).toString('base64url')}`;
};

/** What TokenReview says of the agent on `node`; `overrides` makes it somebody else. */
export const agentReview = (node: string, overrides: Partial<ReviewedToken> = {}): ReviewedToken => ({
  authenticated: true,
  username: `system:serviceaccount:${NAMESPACE}:${AGENT_SERVICE_ACCOUNT}`,
  audiences: [TOKEN_AUDIENCE],
  extra: {
    [`${EXTRA}pod-name`]: [`agent-${node}`],
    [`${EXTRA}pod-uid`]: [`pod-uid-${node}`],
    [`${EXTRA}node-name`]: [node],
    [`${EXTRA}node-uid`]: [`node-uid-${node}`],
  },
  ...overrides,
});

/** As kube-apiserver before 1.30 says it: without the node. */
export const oldReview = (node: string): ReviewedToken => {
  const review = agentReview(node);
  const extra = { ...review.extra };
  delete extra[`${EXTRA}node-name`];
  delete extra[`${EXTRA}node-uid`];
  return { ...review, extra };
};

export const agentPod = (node: string, overrides: { uid?: string; serviceAccount?: string } = {}): Pod => ({
  metadata: { name: `agent-${node}`, namespace: NAMESPACE, uid: overrides.uid ?? `pod-uid-${node}` },
  spec: { nodeName: node, serviceAccountName: overrides.serviceAccount ?? AGENT_SERVICE_ACCOUNT },
});

export const shadowOf = (
  node: string,
  overrides: {
    spec?: Partial<ShadowSpec>;
    status?: BottlerocketShadow['status'];
    nodeUid?: string;
    generation?: number;
  } = {},
): BottlerocketShadow => ({
  metadata: {
    name: shadowName(node),
    namespace: NAMESPACE,
    uid: `shadow-uid-${node}`,
    resourceVersion: '1',
    generation: overrides.generation ?? 1,
    ownerReferences: [
      { apiVersion: 'v1', kind: 'Node', name: node, uid: overrides.nodeUid ?? `node-uid-${node}` },
    ],
  },
  spec: { state: 'Idle', ...overrides.spec },
  ...(overrides.status === undefined ? {} : { status: overrides.status }),
});

export const report = (node: string, overrides: Partial<StatusReport> = {}): StatusReport => ({
  uid: `shadow-uid-${node}`,
  generation: 1,
  seq: 1,
  current_state: 'Idle',
  current_version: '1.50.0',
  target_version: '1.51.0',
  host: { bootId: 'boot-1', agentVersion: '0.1.0' },
  ...overrides,
});

/** JSON merge patch (RFC 7386). */
function merge(target: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const base = typeof target === 'object' && target !== null && !Array.isArray(target) ? target : {};
  const result: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}

/** Keeps shadows and pods, knows tokens, and follows a script of failures. */
export class ScriptedKubernetes {
  readonly shadows = new Map<string, BottlerocketShadow>();
  readonly pods = new Map<string, Pod>();
  readonly tokens = new Map<string, ReviewedToken>();
  readonly calls: Call[] = [];
  readonly patches: object[] = [];
  readonly #scripts: Record<Call, Script[]> = { get: [], patch: [], review: [] };
  skewMs: number | undefined;

  /** The next calls of a kind follow these scripts, one each. */
  script(call: Call, ...scripts: Script[]): void {
    this.#scripts[call].push(...scripts);
  }

  /** The next call of a kind fails like this, and does nothing. */
  fail(call: Call, code: KubernetesError['code'], times = 1): void {
    for (let count = 0; count < times; count += 1) {
      this.script(call, { before: () => raise(code) });
    }
  }

  /** The next patch is carried out, and its answer is lost. */
  loseAnswer(): void {
    this.script('patch', { after: () => raise('unknown') });
  }

  count(call: Call): number {
    return this.calls.filter((name) => name === call).length;
  }

  /** Changes a shadow behind everybody's back. */
  change(node: string, change: (shadow: BottlerocketShadow) => BottlerocketShadow): BottlerocketShadow {
    const shadow = this.shadows.get(shadowName(node));
    if (shadow === undefined) throw new Error(`no shadow of ${node}`);
    const changed = bumped(change(shadow));
    this.shadows.set(changed.metadata.name, changed);
    return changed;
  }

  readonly port: KubernetesPort = {
    get: (resource, key) =>
      this.#run('get', () => {
        const store: Map<string, KubeObject> = resource.plural === Pods.plural ? this.pods : this.shadows;
        const object = store.get(key.name);
        if (object === undefined) raise('notFound');
        return structuredClone(object) as never;
      }),
    patch: (_resource, key, body) => {
      this.patches.push(body);
      return this.#run('patch', () => {
        const shadow = this.shadows.get(key.name);
        if (shadow === undefined) return raise('notFound');
        const { resourceVersion } = (body as KubeObject).metadata;
        if (resourceVersion !== shadow.metadata.resourceVersion) return raise('conflict');
        const patched = bumped(merge(shadow, body) as BottlerocketShadow);
        this.shadows.set(key.name, patched);
        return structuredClone(patched) as never;
      });
    },
    reviewToken: (text) =>
      this.#run('review', () => this.tokens.get(text) ?? { authenticated: false, error: 'invalid token' }),
    clockSkewMs: () => this.skewMs,
    list: () => Promise.reject(new Error('not asked here')),
    watch: () => {
      throw new Error('not asked here');
    },
    create: () => Promise.reject(new Error('not asked here')),
    delete: () => Promise.reject(new Error('not asked here')),
    evict: () => Promise.reject(new Error('not asked here')),
  };

  async #run<T>(call: Call, work: () => T): Promise<T> {
    this.calls.push(call);
    const script = this.#scripts[call].shift();
    await script?.before?.();
    const result = work();
    script?.after?.();
    return result;
  }
}

function raise(code: KubernetesError['code']): never {
  throw new KubernetesError(code, `scripted ${code}`);
}

const bumped = (shadow: BottlerocketShadow): BottlerocketShadow => ({
  ...shadow,
  metadata: { ...shadow.metadata, resourceVersion: String(Number(shadow.metadata.resourceVersion) + 1) },
});

/** Collects the lines of a stream; `full` makes it refuse more. */
export class ListSink implements Sink {
  readonly lines: string[] = [];
  full = false;
  ended = false;

  write(line: string): boolean {
    this.lines.push(line);
    return !this.full;
  }

  end(): void {
    this.ended = true;
  }

  /** The types of the lines, in order. */
  get types(): string[] {
    return this.lines.map((line) => (JSON.parse(line) as { type: string }).type);
  }
}

/** An API server that knows one agent, on `node-a`, with its pod, its shadow and its token. */
export function world(options: { clock: Clock; metrics?: Metrics; expiresAtMs?: number }): {
  kubernetes: ScriptedKubernetes;
  api: AgentApi;
  bearer: string;
  shadow: BottlerocketShadow;
} {
  const kubernetes = new ScriptedKubernetes();
  const shadow = shadowOf(NODE);
  const pod = agentPod(NODE);
  const text = token(NODE, options.expiresAtMs ?? options.clock.now() + 3_600_000);
  kubernetes.shadows.set(shadow.metadata.name, shadow);
  kubernetes.pods.set(pod.metadata.name, pod);
  kubernetes.tokens.set(text, agentReview(NODE));
  const api = new AgentApi({
    kubernetes: kubernetes.port,
    clock: options.clock,
    random: () => 0.5,
    log: silentLogger,
    metrics: options.metrics ?? noMetrics,
  });
  api.shadowChanged(shadow);
  api.podChanged(pod);
  api.synced();
  return { kubernetes, api, bearer: `Bearer ${text}`, shadow };
}
