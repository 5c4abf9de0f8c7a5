/** A policy, a node, its shadow and a budget in which nothing is against an update; tests change one thing. */
import type { WaitReason } from '../api/reasons.ts';
import type { UpdatePolicySpec } from '../api/v1/updatepolicy.ts';
import type { NodeControls } from './annotations.ts';
import { Budget } from './budget.ts';
import type { BudgetInput } from './budget.ts';
import { withDefaults } from './effective.ts';
import { policyState } from './facts.ts';
import type { NodeFacts, PolicyFacts, ShadowFacts } from './facts.ts';
import type { AdmissionInput } from './gates.ts';
import { parseInstant } from './instant.ts';
import { VersionRules } from './versions.ts';
import { CompiledWindows } from './windows.ts';

export const at = parseInstant;
/** A Saturday night, in no window unless one is set. */
export const NOW = at('2026-01-10T02:00:00Z');

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export interface Situation {
  spec: UpdatePolicySpec;
  policy: Mutable<Pick<PolicyFacts, 'errors' | 'deleting' | 'halt' | 'clockWrong'>>;
  node: Mutable<Omit<NodeFacts, 'controls'>>;
  controls: Mutable<NodeControls>;
  shadow: Mutable<ShadowFacts>;
  budget: Mutable<BudgetInput>;
}

const calm = (): Situation => {
  const shadow: ShadowFacts = {
    specState: 'Idle',
    owner: undefined,
    reported: true,
    asked: true,
    currentState: 'Idle',
    leftovers: false,
    updateState: 'Available',
    error: undefined,
    backoff: undefined,
    current: '1.42.0',
    available: ['1.44.0', '1.43.0', '1.42.0'],
    chosen: '1.44.0',
  };
  return {
    spec: {},
    policy: { errors: [], deleting: false, halt: undefined, clockWrong: false },
    node: {
      name: 'n1',
      ready: true,
      deleting: false,
      cordonedByOthers: false,
      agentReady: true,
      shadow,
    },
    controls: { excluded: false, runNowUntilMs: undefined, retryAtMs: undefined, errors: [] },
    shadow,
    budget: {
      limit: Number.POSITIVE_INFINITY,
      maxUnavailable: Number.POSITIVE_INFINITY,
      topology: null,
      ledger: [],
      usedByOthers: [],
      unavailable: new Set(),
      domainOf: () => 'a',
    },
  };
};

/** The calm situation after some changes. */
export function situation(...changes: ((now: Situation) => void)[]): AdmissionInput {
  const now = calm();
  for (const change of changes) change(now);
  const effective = withDefaults(now.spec);
  const facts: PolicyFacts = {
    name: 'workers',
    uid: 'workers-uid',
    effective,
    windows: new CompiledWindows(effective),
    versions: new VersionRules(effective.version),
    ...now.policy,
  };
  return {
    policy: policyState(facts, NOW),
    node: { ...now.node, controls: now.controls },
    budget: new Budget(now.budget),
  };
}

/** What makes each reason true, in a situation in which nothing else blocks. */
const CAUSES: Partial<Record<WaitReason, (now: Situation) => void>> = {
  UpToDate: ({ shadow }) => (shadow.current = '1.44.0'),
  UnsupportedOS: ({ node }) => (node.unsupportedVersion = '0.4.0'),
  PolicyInvalid: ({ policy }) => (policy.errors = [{ path: 'spec.interval', value: '1d', message: 'is wrong' }]),
  PolicyDeleted: ({ policy }) => (policy.deleting = true),
  PolicyPaused: ({ spec }) => (spec.mode = 'Paused'),
  ClockSkew: ({ policy }) => (policy.clockWrong = true),
  WindowClosed: ({ spec }) => (spec.maintenanceWindows = [{ name: 'weekend', schedule: '0 1 * * 0', duration: '6h', timeZone: 'Europe/Paris' }]),
  Blackout: ({ spec }) => (spec.blackoutWindows = [{ name: 'freeze', from: '2026-01-01T00:00:00Z', until: '2026-02-01T00:00:00Z' }]),
  MinRemaining: ({ spec }) => (spec.blackoutWindows = [{ from: '2026-01-10T02:10:00Z', until: '2026-01-11T00:00:00Z' }]),
  Halted: ({ policy }) => (policy.halt = { reason: 'BootFallback', node: 'n7', version: '1.44.0', attempt: 2, at: '2026-01-09T00:00:00Z' }),
  Excluded: ({ controls }) => (controls.excluded = true),
  CordonedByOthers: ({ node }) => (node.cordonedByOthers = true),
  NodeDeleting: ({ node }) => (node.deleting = true),
  NodeNotReady: ({ node }) => (node.ready = false),
  AgentNotReporting: ({ node }) => (node.agentReady = false),
  HostUnreachable: ({ shadow }) => (shadow.error = { code: 'HostUnreachable', message: 'connection refused' }),
  RepositoryUnreachable: ({ shadow }) => (shadow.error = { code: 'RepositoryUnreachable', message: 'Metadata error' }),
  StillArmed: ({ shadow }) => (shadow.leftovers = true),
  ArmedByOthers: ({ shadow }) => (shadow.updateState = 'Ready'),
  WaitForPods: ({ spec, node }) => {
    spec.drain = { waitForPods: { matchLabels: { app: 'batch' } } };
    node.waitingPod = () => 'shop/batch-1';
  },
  NoEligibleVersion: ({ spec }) => (spec.version = { range: '2.x' }),
  NotOffered: ({ spec, shadow }) => {
    spec.version = { range: '1.43.0', hostLock: 'Observe' };
    shadow.chosen = '1.44.0';
  },
  Backoff: ({ shadow }) => (shadow.backoff = { atMs: at('2026-01-10T01:55:00Z'), untilMs: at('2026-01-10T02:05:00Z'), failures: 2, reason: 'DrainTimeout' }),
  NoSlot: ({ budget }) => (budget.limit = 0),
  LedgerFull: ({ budget }) => (budget.ledger = Array.from({ length: 2_000 }, (_, index) => ({ node: `l${index}`, phase: 'Lost' }))),
  MaxUnavailable: ({ budget }) => (budget.maxUnavailable = 0),
  TopologyLimit: ({ budget }) => {
    budget.topology = { key: 'rack', maxConcurrentUpdates: 1, maxDomains: 0 };
    budget.usedByOthers = ['other'];
  },
  DryRun: ({ spec }) => (spec.mode = 'DryRun'),
}; // prettier-ignore

/** The change that makes a reason true. */
export const cause = (reason: WaitReason): ((now: Situation) => void) => CAUSES[reason] ?? (() => undefined);

/** Reasons that have a cause here, in the order of the causes. */
export const caused = Object.keys(CAUSES) as WaitReason[];
