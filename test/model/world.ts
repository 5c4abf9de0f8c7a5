/**
 * The world of the protocol's model: a few small facts per node, with every number that only grows replaced by what it
 * is compared with, so that the number of states stays finite.
 *
 * Time has no length here. Every instant is one of a few classes ("ahead", "in its grace", "missed"), and events move
 * it from one class to the next.
 *
 * Everything is immutable: an event makes new parts and shares the others, so that equal parts can be one object.
 */
import type { HostErrorCode } from '../../src/api/v2/bottlerocketshadow.ts';
import type { EndReason } from '../../src/api/reasons.ts';
import type { AgentMemory } from '../../src/protocol/agent-view.ts';

export type Version = 'old' | 'new' | 'other';
export type Instant = 'none' | 'ahead' | 'grace' | 'missed';
export type UpdateState = 'Idle' | 'Available' | 'Staged' | 'Ready';
/** Idle, Staged, Rebooted, Monitoring, ErrorReset. */
export type Reported = 'I' | 'S' | 'R' | 'M' | 'E';

export interface Intent {
  readonly boot: number;
  /** More than 20 minutes old. */
  readonly old: boolean;
  /** Tells a repeated intent from the one before. */
  readonly nth: number;
}

export interface Staged {
  readonly attempt: number;
  readonly boot: number;
  readonly timestamp: number;
}

/** What an agent tells, and what is recorded of it. */
export interface Told {
  readonly version: Version;
  readonly error: HostErrorCode | null;
  readonly boot: number;
  readonly update: UpdateState;
  /** The host has asked its repository. */
  readonly checked: boolean;
  readonly staged: Staged | null;
  readonly saved: boolean;
  readonly intent: Intent | null;
}

export interface Shadow extends Told {
  readonly uid: number;
  readonly state: 0 | 1 | 2 | 3;
  readonly attempt: number;
  readonly deadline: Instant;
  /** The deadline passed while no controller could see. */
  readonly unseen: boolean;
  readonly notAfter: 'none' | 'ahead' | 'passed';
  /** Index of the policy in `spec.policy`. */
  readonly owner: number | null;
  readonly outcome: EndReason | null;
  readonly outcomeAttempt: number;
  readonly deleting: boolean;
  /** Null before the first report. */
  readonly reported: Reported | null;
  /** The attempt in which the error was reported. */
  readonly errorAttempt: number;
  /** The last report was made for the present generation. */
  readonly seen: boolean;
  readonly backoff: number;
}

export interface Mark {
  readonly uid: number;
  readonly attempt: number;
  readonly was: boolean;
  readonly released: boolean;
  /** `fresh`: a scheduler may still bind; `late`: the drain has timed out. */
  readonly at: 'fresh' | 'settled' | 'late';
}

export interface KubeNode {
  readonly uid: number;
  readonly gone: boolean;
  readonly unschedulable: boolean;
  readonly mark: Mark | null;
  readonly boot: number;
  readonly pods: number;
  /** An admin cordoned it where nobody else had: that must stay. */
  readonly adminCordon: boolean;
  /** A controller has seen that somebody took our cordon back, and acted on it. */
  readonly uncordonSeen: boolean;
  /** Index of the policy that selects it. */
  readonly winner: number;
}

export interface Host {
  readonly boot: number;
  readonly up: boolean;
  readonly running: Version;
  readonly update: UpdateState;
  readonly locked: boolean;
  readonly last: { readonly type: string; readonly ok: boolean; readonly timestamp: number } | null;
  readonly clock: number;
  /** It was told to reboot and goes down at any moment. */
  readonly going: boolean;
  /** Reboots that were asked for, by shadow and attempt. */
  readonly asked: readonly number[];
  /** The shadow and attempt whose POST is under way. */
  readonly goingFor: number;
}

export interface Report extends Told {
  readonly state: Reported;
  /** Still for the present shadow, generation and sequence number. */
  readonly sameUid: boolean;
  readonly sameGeneration: boolean;
  readonly sameSeq: boolean;
}

export interface Agent {
  readonly memory: AgentMemory;
  /** The shadow as this agent last saw it; null = as it is. */
  readonly cache: Shadow | null;
  /** What has changed since: the spec, or the recorded report. */
  readonly staleSpec: boolean;
  readonly staleSeq: boolean;
  /** The report under way. */
  readonly put: Report | null;
  /** A copy of an earlier report that the network may still deliver. */
  readonly echo: Report | null;
}

/** One machine, its Node, its shadow and its agent. */
export interface Member {
  readonly node: KubeNode;
  /** The Node as the controllers' copies still show it; null = as it is. */
  readonly stale: KubeNode | null;
  readonly shadow: Shadow | null;
  readonly host: Host;
  readonly agent: Agent;
  /** How many shadows it has had: their UIDs count up. */
  readonly shadows: number;
}

export interface Entry {
  readonly node: number;
  readonly nodeUid: number;
  readonly shadowUid: number;
  readonly attempt: number;
  readonly phase: 'Reserved' | 'Ended' | 'Failed' | 'Lost' | 'Resting';
  readonly reason: EndReason | null;
  /** A deadline that was moved: only in the entry so far, in `spec` too, or of an earlier state. */
  readonly extended: 'no' | 'entry' | 'spec' | 'past';
  /** The time to be put back is over. */
  readonly overdue: boolean;
}

export interface Policy {
  readonly paused: boolean;
  readonly deleting: boolean;
  /** Gone with its ledger, though its finalizer should have held it. */
  readonly gone: boolean;
  readonly halted: boolean;
  readonly entries: readonly Entry[];
  /** Ends that were counted, by "node/shadow/attempt": an end counted twice shows here. */
  readonly counted: readonly string[];
}

/** A write that a leader has decided and not yet delivered; it exists only while its precondition holds. */
export interface Pending {
  readonly policy: number;
  /** Index of the node. */
  readonly node: number;
  readonly target: 'shadow' | 'node' | 'policy';
  /** Which write; carried out by deliver.ts. */
  readonly step: string;
  readonly uid: number;
  readonly attempt: number;
  readonly end: EndReason | null;
  readonly lost: boolean;
  /** The `notAfter` it carries, which may pass before it is delivered. */
  readonly notAfter: 'ahead' | 'passed';
  /** An admin changed the Node between what was read and now. */
  readonly touched: boolean;
}

export interface World {
  readonly window: 'open' | 'closed' | 'blackout';
  readonly policies: readonly Policy[];
  readonly members: readonly Member[];
  readonly leaders: readonly (Pending | null)[];
  readonly faults: number;
}

export const newShadow = (uid: number): Shadow => ({
  uid,
  state: 0,
  attempt: 0,
  deadline: 'none',
  unseen: false,
  notAfter: 'none',
  owner: null,
  outcome: null,
  outcomeAttempt: 0,
  deleting: false,
  reported: null,
  version: 'old',
  error: null,
  errorAttempt: 0,
  seen: false,
  boot: 0,
  update: 'Idle',
  checked: false,
  staged: null,
  saved: false,
  intent: null,
  backoff: 0,
});

export const newNode = (uid: number, boot: number): KubeNode => ({
  uid,
  gone: false,
  unschedulable: false,
  mark: null,
  boot,
  pods: 1,
  adminCordon: false,
  uncordonSeen: false,
  winner: 0,
});

export const newHost = (boot: number): Host => ({
  boot,
  up: true,
  running: 'old',
  update: 'Idle',
  locked: false,
  last: null,
  clock: 0,
  going: false,
  asked: [],
  goingFor: 0,
});

export const newAgent = (): Agent => ({
  memory: { attempt: 0, tries: 0 },
  cache: null,
  staleSpec: false,
  staleSeq: false,
  put: null,
  echo: null,
});

const newMember = (): Member => ({
  node: newNode(1, 1),
  stale: null,
  shadow: { ...newShadow(1), reported: 'I', seen: true, boot: 1 },
  host: newHost(1),
  agent: newAgent(),
  shadows: 1,
});

const newPolicy = (): Policy => ({
  paused: false,
  deleting: false,
  gone: false,
  halted: false,
  entries: [],
  counted: [],
});

export const newWorld = (size: {
  nodes: number;
  leaders: number;
  policies: number;
  faults: number;
}): World => ({
  window: 'open',
  policies: Array.from({ length: size.policies }, newPolicy),
  members: Array.from({ length: size.nodes }, newMember),
  leaders: Array.from({ length: size.leaders }, () => null),
  faults: size.faults,
});

/** What a member's event comes to: the member, and which of its objects have a new resourceVersion. */
export interface Effect {
  readonly m: Member;
  readonly shadow?: boolean;
  /** `admin`: a person changed what a decision may have been made on. */
  readonly node?: boolean | 'admin';
}

/** Changes a shadow: reports for it are stale from now on, and the agent has yet to see it. */
export function editShadow(m: Member, what: 'spec' | 'report' | 'meta', change: Partial<Shadow>): Effect {
  const { shadow, agent } = m;
  if (shadow === null) throw new Error('no shadow');
  const stale = (report: Report | null): Report | null =>
    report === null
      ? null
      : {
          ...report,
          sameGeneration: report.sameGeneration && what !== 'spec',
          sameSeq: report.sameSeq && what !== 'report',
        };
  return {
    m: {
      ...m,
      shadow: { ...shadow, ...change, ...(what === 'spec' ? { seen: false } : {}) },
      agent: {
        memory: agent.memory,
        cache: agent.cache ?? shadow,
        staleSpec: agent.staleSpec || what === 'spec',
        staleSeq: agent.staleSeq || what === 'report',
        put: stale(agent.put),
        echo: stale(agent.echo),
      },
    },
    shadow: true,
  };
}

/** The agent sees the shadow as it is. */
export const refresh = (m: Member): Member => ({
  ...m,
  agent: { ...m.agent, cache: null, staleSpec: false, staleSeq: false },
});

/** Parts of a member that changed, put in. */
export const withNode = (m: Member, change: Partial<KubeNode>): Member => ({
  ...m,
  node: { ...m.node, ...change },
});
export const withHost = (m: Member, change: Partial<Host>): Member => ({
  ...m,
  host: { ...m.host, ...change },
});
export const withAgent = (m: Member, change: Partial<Agent>): Member => ({
  ...m,
  agent: { ...m.agent, ...change },
});

/** A world in which an event of one node has happened: writes decided on what it changed are refused. */
export function withEffect(w: World, n: number, effect: Effect): World {
  const members = w.members.slice();
  members[n] = effect.m;
  const isNode = effect.node !== undefined && effect.node !== false;
  if (effect.shadow !== true && !isNode) return { ...w, members };
  const leaders = w.leaders.map((p) => {
    if (p === null || p.node !== n || p.target === 'policy') return p;
    if (p.target === 'shadow' && effect.shadow === true) return null;
    if (p.target === 'node' && isNode) return null;
    return effect.node === 'admin' && !p.touched ? { ...p, touched: true } : p;
  });
  return { ...w, members, leaders };
}

/** A world in which a policy has been written: decisions on its older version are refused. */
export function withPolicy(w: World, index: number, change: Partial<Policy>): World {
  const policies = w.policies.slice();
  policies[index] = { ...policies[index]!, ...change };
  const leaders = w.leaders.map((p) =>
    p !== null && p.target === 'policy' && p.policy === index ? null : p,
  );
  return { ...w, policies, leaders };
}

/** A world in which something is noted of an entry that is no write. */
export function noteEntry(
  w: World,
  at: { policy: number; node: number; uid: number },
  change: Partial<Entry>,
): World {
  const policies = w.policies.slice();
  const old = policies[at.policy]!;
  policies[at.policy] = {
    ...old,
    entries: old.entries.map((e) => (e.node === at.node && e.shadowUid === at.uid ? { ...e, ...change } : e)),
  };
  return { ...w, policies };
}

/** The entry of an attempt on a node, in one policy's ledger. */
export const entryOn = (p: Policy, node: number, uid: number): Entry | undefined =>
  p.entries.find((e) => e.node === node && e.shadowUid === uid);
