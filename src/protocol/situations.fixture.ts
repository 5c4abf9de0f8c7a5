/** A node in each state of the protocol, as tests and the generated page begin; each changes one thing. */
import type { Node } from '../api/core.ts';
import type { LedgerEntry } from '../api/v1/updatepolicy.ts';
import type {
  BottlerocketShadow,
  HostFacts,
  HostReport,
  RebootIntent,
  ShadowSpec,
  ShadowState,
  StagedImage,
} from '../api/v2/bottlerocketshadow.ts';
import { rfc3339 } from '../runtime/clock.ts';
import { emptyMemory } from './agent-view.ts';
import type { AgentMemory, AgentView, SeenHost, SeenUpdate } from './agent-view.ts';
import type { AttemptPolicy, AttemptView } from './attempt.ts';
import { setMark } from './marks.ts';
import type { AgentReport } from './report.ts';

export const NOW = Date.parse('2026-12-19T03:00:00Z');
/** The instant so many minutes from now, negative = ago. */
export const inMinutes = (minutes: number): string => rfc3339(NOW + minutes * 60_000);
export const MONOTONIC = 5_000_000;

export const OLD = '1.42.0';
export const NEW = '1.44.0';
export const BOOT = 'boot-1';
export const OTHER_BOOT = 'boot-2';
export const OWNER = { shadowUid: 'shadow-1', attempt: 3 };

export const POLICY: AttemptPolicy = {
  name: 'workers',
  uid: 'policy-1',
  ending: false,
  stageTimeoutMs: 30 * 60_000,
  rebootTimeoutMs: 15 * 60_000,
  verifyTimeoutMs: 15 * 60_000,
  drainTimeoutMs: 30 * 60_000,
  stableForMs: 2 * 60_000,
  intervalMs: 60_000,
};

export const STAGED: StagedImage = { version: NEW, attempt: 3, bootId: BOOT, timestamp: 't7' };
export const INTENT: RebootIntent = {
  version: NEW,
  bootId: BOOT,
  generation: 9,
  at: new Date(NOW).toISOString(),
};

export interface ShadowChange {
  spec?: Partial<ShadowSpec>;
  state?: ShadowState | undefined;
  version?: string;
  host?: Partial<HostReport>;
  status?: Partial<NonNullable<BottlerocketShadow['status']>>;
  deleting?: boolean;
}

/** A shadow of attempt 3 whose agent has seen everything. */
export function shadow({
  spec,
  state,
  version,
  host,
  status,
  deleting,
}: ShadowChange = {}): BottlerocketShadow {
  return {
    metadata: {
      name: 'brs-n1',
      uid: OWNER.shadowUid,
      generation: 9,
      resourceVersion: '77',
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'node-1' }],
      ...(deleting === true ? { deletionTimestamp: inMinutes(-1) } : {}),
    },
    spec: {
      state: 'Idle',
      attempt: OWNER.attempt,
      version: NEW,
      policy: { name: POLICY.name, uid: POLICY.uid },
      deadline: inMinutes(20),
      notAfter: inMinutes(60),
      host: { lock: 'Pin', waves: 'Respect' },
      ...spec,
    },
    status: {
      current_state: state ?? 'Idle',
      current_version: version ?? OLD,
      target_version: null,
      host: {
        seq: 4,
        generation: 9,
        bootId: BOOT,
        variant: 'aws-k8s-1.36',
        arch: 'x86_64',
        updateState: 'Idle',
        available: [NEW, OLD],
        ...host,
      },
      ...status,
    },
  };
}

export const idle = (change: ShadowChange = {}): BottlerocketShadow => shadow(change);
/** Its slot is reserved for attempt 3; `spec` is still that of attempt 2. */
export const reserved = (change: ShadowChange = {}): BottlerocketShadow =>
  shadow({ ...change, spec: { attempt: 2, version: null, ...change.spec } });
export const staging = (change: ShadowChange = {}): BottlerocketShadow =>
  shadow({ ...change, spec: { state: 'StagedAndPerformedUpdate', ...change.spec } });
export const staged = (change: ShadowChange = {}): BottlerocketShadow =>
  staging({ state: 'StagedAndPerformedUpdate', ...change, host: { staged: STAGED, ...change.host } });
export const rebooting = (change: ShadowChange = {}): BottlerocketShadow =>
  shadow({
    state: 'StagedAndPerformedUpdate',
    ...change,
    spec: { state: 'RebootedIntoUpdate', ...change.spec },
    host: { staged: STAGED, ...change.host },
  });
export const committed = (change: ShadowChange = {}): BottlerocketShadow =>
  rebooting({ ...change, host: { rebootIntent: INTENT, ...change.host } });
export const rebooted = (change: ShadowChange = {}): BottlerocketShadow =>
  shadow({
    state: 'RebootedIntoUpdate',
    version: NEW,
    ...change,
    spec: { state: 'RebootedIntoUpdate', ...change.spec },
    host: { bootId: OTHER_BOOT, ...change.host },
  });
export const monitoring = (change: ShadowChange = {}): BottlerocketShadow =>
  shadow({
    state: 'MonitoringUpdate',
    version: NEW,
    ...change,
    spec: { state: 'MonitoringUpdate', ...change.spec },
    host: { bootId: OTHER_BOOT, ...change.host },
  });
export const failed = (code: NonNullable<HostReport['error']>['code'], from = staging): BottlerocketShadow =>
  from({ state: 'ErrorReset', host: { error: { code, message: `${code}!`, at: inMinutes(0) } } });

// ---- Nodes -----------------------------------------------------------------------------------------------

export interface NodeChange {
  unschedulable?: boolean;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  bootId?: string;
}

export const node = (change: NodeChange = {}): Node => ({
  metadata: {
    name: 'n1',
    uid: 'node-1',
    resourceVersion: '5',
    labels: { zone: 'a', ...change.labels },
    annotations: { team: 'x', ...change.annotations },
  },
  spec: change.unschedulable === true ? { unschedulable: true } : {},
  status: { nodeInfo: { bootID: change.bootId ?? BOOT, osImage: 'Bottlerocket OS 1.42.0' } },
});

/** A Node after a merge patch: null removes, maps merge. */
export function merged(before: Node, patch: object): Node {
  return merge(before, patch) as Node;
}

function merge(before: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const after: Record<string, unknown> = typeof before === 'object' && before !== null ? { ...before } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete after[key];
    else after[key] = merge(after[key], value);
  }
  return after;
}

/** A Node with our cordon of attempt 3, set so many minutes ago. */
export function cordoned(minutesAgo = 1, change: NodeChange = {}): Node {
  const before = node(change);
  const mark = { value: true, at: inMinutes(-minutesAgo), owner: OWNER };
  return merged(before, setMark(before, 'cordon', mark) ?? {});
}

/** The same, uncordoned by somebody since. */
export const uncordoned = (): Node => merged(cordoned(), { spec: { unschedulable: null } });

// ---- the controller's view -------------------------------------------------------------------------------

export const entry = (change: Partial<LedgerEntry> = {}): LedgerEntry => ({
  node: 'n1',
  uid: 'node-1',
  ...OWNER,
  version: NEW,
  phase: 'Reserved',
  since: inMinutes(-10),
  ...change,
});

/** What the controller sees; by default a drained Node, nothing against it, and a host that stages. */
export const attemptView = (change: Partial<AttemptView> = {}): AttemptView => ({
  now: NOW,
  entry: entry(),
  policy: POLICY,
  shadow: staging(),
  node: node(),
  gate: undefined,
  drain: undefined,
  health: { message: 'The Node is not Ready.' },
  sightSinceMs: NOW - 3_600_000,
  ...change,
});

// ---- the agent's view ------------------------------------------------------------------------------------

export const seenUpdate = (change: Partial<SeenUpdate> = {}): SeenUpdate => ({
  state: 'Idle',
  available: [NEW, OLD],
  ...change,
});

export const READY: SeenUpdate = seenUpdate({
  state: 'Ready',
  chosen: NEW,
  staging: { version: NEW, nextToBoot: true },
  last: { type: 'activate', succeeded: true, timestamp: 't8', stderr: '' },
});

export const seenHost = (change: Partial<SeenHost> = {}): SeenHost => ({
  bootId: BOOT,
  running: OLD,
  variant: 'aws-k8s-1.36',
  arch: 'x86_64',
  update: seenUpdate(),
  settings: { versionLock: 'latest', ignoreWaves: false },
  ...change,
});

export interface AgentChange {
  shadow?: BottlerocketShadow;
  host?: Partial<SeenHost>;
  memory?: Partial<AgentMemory>;
  now?: number;
  monotonicMs?: number;
  checkDue?: boolean;
}

export const agentView = (change: AgentChange = {}): AgentView => ({
  now: change.now ?? NOW,
  monotonicMs: change.monotonicMs ?? MONOTONIC,
  shadow: change.shadow ?? idle(),
  host: seenHost(change.host),
  memory: { ...emptyMemory(OWNER.attempt), ...change.memory },
  checkDue: change.checkDue ?? false,
});

// ---- reports ---------------------------------------------------------------------------------------------

export interface ReportChange extends Partial<Omit<AgentReport, 'host'>> {
  host?: Partial<HostFacts>;
}

/** The report that follows what is recorded of a shadow. */
export function nextReport(recorded: BottlerocketShadow, change: ReportChange = {}): AgentReport {
  const { seq = 0, generation: _seen, uid: _uid, ...facts } = recorded.status?.host ?? { bootId: BOOT };
  const { host, ...rest } = change;
  return {
    uid: recorded.metadata.uid ?? '',
    generation: recorded.metadata.generation ?? 0,
    seq: seq + 1,
    current_state: recorded.status?.current_state ?? 'Idle',
    current_version: recorded.status?.current_version ?? null,
    target_version: recorded.status?.target_version ?? null,
    ...rest,
    host: { ...facts, ...host },
  };
}
