/**
 * The world of the protocol's model: a few small facts per node, with every number that only grows replaced by what it
 * is compared with, so that the number of states stays finite.
 *
 * Time has no length here. Every instant is one of a few classes ("ahead", "in its grace", "missed"), and events move
 * it from one class to the next.
 */
import type { HostErrorCode } from '../../src/api/v2/bottlerocketshadow.ts';
import type { EndReason } from '../../src/api/reasons.ts';
import type { AgentMemory } from '../../src/protocol/agent-view.ts';

export type Version = 'old' | 'new' | 'other';
export type Instant = 'none' | 'ahead' | 'grace' | 'missed';
/** Idle, Staged, Rebooted, Monitoring, ErrorReset. */
export type Reported = 'I' | 'S' | 'R' | 'M' | 'E';

export interface Intent {
  boot: number;
  /** More than 20 minutes old. */
  old: boolean;
  /** Tells a repeated intent from the one before. */
  nth: number;
}

export interface Shadow {
  uid: number;
  state: 0 | 1 | 2 | 3;
  attempt: number;
  deadline: Instant;
  /** The deadline passed while no controller could see. */
  unseen: boolean;
  notAfter: 'none' | 'ahead' | 'passed';
  owned: boolean;
  outcome: EndReason | null;
  outcomeAttempt: number;
  deleting: boolean;
  // what the agent reported
  reported: Reported | null;
  version: Version;
  error: HostErrorCode | null;
  /** The attempt in which the error was reported. */
  errorAttempt: number;
  /** The last report was made for the present generation. */
  seen: boolean;
  boot: number;
  staged: { attempt: number; boot: number; timestamp: number } | null;
  saved: boolean;
  intent: Intent | null;
  backoff: number;
}

export interface Mark {
  uid: number;
  attempt: number;
  was: boolean;
  released: boolean;
  /** `fresh`: a scheduler may still bind; `late`: the drain has timed out. */
  at: 'fresh' | 'settled' | 'late';
}

export interface KubeNode {
  gone: boolean;
  unschedulable: boolean;
  mark: Mark | null;
  boot: number;
  pods: number;
  /** An admin cordoned it where nobody else had: that must stay. */
  adminCordon: boolean;
}

export interface Host {
  boot: number;
  up: boolean;
  running: Version;
  update: 'Idle' | 'Available' | 'Staged' | 'Ready';
  locked: boolean;
  last: { type: string; ok: boolean; timestamp: number } | null;
  clock: number;
  /** It was told to reboot and goes down at any moment. */
  going: boolean;
  /** Reboots that were asked for, by attempt. */
  asked: number[];
  /** The attempt whose POST is under way. */
  goingFor: number;
}

export interface Report {
  state: Reported;
  version: Version;
  error: HostErrorCode | null;
  boot: number;
  staged: Shadow['staged'];
  saved: boolean;
  intent: Intent | null;
  /** Still for the present shadow, generation and sequence number. */
  sameUid: boolean;
  sameGeneration: boolean;
  sameSeq: boolean;
}

export interface Agent {
  memory: AgentMemory;
  /** The shadow as this agent last saw it; null = as it is. */
  cache: Shadow | null;
  /** What has changed since: the spec, or the recorded report. */
  staleSpec: boolean;
  staleSeq: boolean;
  /** The report under way. */
  put: Report | null;
  /** A copy of an earlier report that the network may still deliver. */
  echo: Report | null;
}

export interface Entry {
  node: number;
  shadowUid: number;
  attempt: number;
  phase: 'Reserved' | 'Ended' | 'Failed' | 'Lost' | 'Resting';
  reason: EndReason | null;
  extended: boolean;
  /** The time to be put back is over. */
  overdue: boolean;
}

export interface Member {
  node: KubeNode;
  shadow: Shadow | null;
  host: Host;
  agent: Agent;
}

/** A write that a leader has decided and not yet delivered; it exists only while its precondition holds. */
export interface Pending {
  /** Index of the node, or −1 for the policy's status alone. */
  node: number;
  target: 'shadow' | 'node' | 'policy';
  /** Which write; carried out by leader.ts. */
  step: string;
  end: EndReason | null;
  lost: boolean;
  /** An admin changed the Node between the decision and now. */
  touched: boolean;
}

export interface World {
  windowOpen: boolean;
  paused: boolean;
  policyDeleting: boolean;
  halted: boolean;
  entries: Entry[];
  members: Member[];
  leaders: (Pending | null)[];
  faults: number;
  /** Ends counted as failures, by "node/attempt": an end counted twice shows here. */
  counted: string[];
}

export const newShadow = (uid: number, boot: number, version: Version, attempt: number): Shadow => ({
  uid,
  state: 0,
  attempt,
  deadline: 'none',
  unseen: false,
  notAfter: 'none',
  owned: false,
  outcome: null,
  outcomeAttempt: 0,
  deleting: false,
  reported: 'I',
  version,
  error: null,
  errorAttempt: 0,
  seen: true,
  boot,
  staged: null,
  saved: false,
  intent: null,
  backoff: 0,
});

const newMember = (): Member => ({
  node: { gone: false, unschedulable: false, mark: null, boot: 1, pods: 1, adminCordon: false },
  shadow: newShadow(1, 1, 'old', 0),
  host: {
    boot: 1,
    up: true,
    running: 'old',
    update: 'Idle',
    locked: false,
    last: null,
    clock: 0,
    going: false,
    asked: [],
    goingFor: 0,
  },
  agent: {
    memory: { attempt: 0, tries: 0 },
    cache: null,
    staleSpec: false,
    staleSeq: false,
    put: null,
    echo: null,
  },
});

export const newWorld = (nodes: number, leaders: number, faults: number): World => ({
  windowOpen: true,
  paused: false,
  policyDeleting: false,
  halted: false,
  entries: [],
  members: Array.from({ length: nodes }, newMember),
  leaders: Array.from({ length: leaders }, () => null),
  faults,
  counted: [],
});

const cloneShadow = (s: Shadow): Shadow => ({
  ...s,
  staged: s.staged === null ? null : { ...s.staged },
  intent: s.intent === null ? null : { ...s.intent },
});

const cloneReport = (r: Report | null): Report | null =>
  r === null
    ? null
    : {
        ...r,
        staged: r.staged === null ? null : { ...r.staged },
        intent: r.intent === null ? null : { ...r.intent },
      };

const cloneMember = (m: Member): Member => ({
  node: { ...m.node, mark: m.node.mark === null ? null : { ...m.node.mark } },
  shadow: m.shadow === null ? null : cloneShadow(m.shadow),
  host: { ...m.host, last: m.host.last === null ? null : { ...m.host.last }, asked: [...m.host.asked] },
  agent: {
    memory: { ...m.agent.memory },
    cache: m.agent.cache === null ? null : cloneShadow(m.agent.cache),
    staleSpec: m.agent.staleSpec,
    staleSeq: m.agent.staleSeq,
    put: cloneReport(m.agent.put),
    echo: cloneReport(m.agent.echo),
  },
});

export const clone = (w: World): World => ({
  ...w,
  entries: w.entries.map((e) => ({ ...e })),
  members: w.members.map(cloneMember),
  leaders: w.leaders.map((p) => (p === null ? null : { ...p })),
  counted: [...w.counted],
});

/** 53 bits over a text: two worlds that differ are told apart but for one in some 10^15. */
export function hash(text: string): number {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    a = Math.imul(a ^ c, 2654435761);
    b = Math.imul(b ^ c, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 4294967296 * (2097151 & b) + (a >>> 0);
}

/** The world as a text: equal texts, equal futures. Leaders are alike, so their order does not matter. */
export const keyOf = (w: World): string => {
  const pending = w.leaders.map((p) =>
    p === null ? '' : `${p.node}${p.target}${p.step}${p.end ?? ''}${p.lost ? 1 : 0}${p.touched ? 1 : 0}`,
  );
  pending.sort();
  return JSON.stringify([
    w.windowOpen ? 1 : 0,
    w.paused ? 1 : 0,
    w.policyDeleting ? 1 : 0,
    w.halted ? 1 : 0,
    w.faults,
    pending,
    w.entries.map((e) => [
      e.node,
      e.shadowUid,
      e.attempt,
      e.phase,
      e.reason,
      e.extended ? 1 : 0,
      e.overdue ? 1 : 0,
    ]),
    w.members.map((m) => Object.values(m).map((part) => (part === null ? 0 : Object.values(part)))),
    w.counted,
  ]);
};

// ---- what happens to preconditions when an object changes ------------------------------------------------

/** Changes a shadow: writes decided on the older version are refused from now on, reports for it are stale. */
export function editShadow(
  w: World,
  n: number,
  what: 'spec' | 'report' | 'meta',
  edit: (s: Shadow) => void,
): void {
  const m = w.members[n]!;
  if (m.shadow === null) throw new Error('no shadow');
  m.agent.cache ??= cloneShadow(m.shadow);
  edit(m.shadow);
  w.leaders = w.leaders.map((p) => (p !== null && p.node === n && p.target === 'shadow' ? null : p));
  if (what === 'spec') m.shadow.seen = false;
  m.agent.staleSpec ||= what === 'spec';
  m.agent.staleSeq ||= what === 'report';
  for (const report of [m.agent.put, m.agent.echo]) {
    if (report === null) continue;
    report.sameGeneration &&= what !== 'spec';
    report.sameSeq &&= what !== 'report';
  }
}

/** The agent sees the shadow as it is. */
export function refresh(m: Member): void {
  m.agent.cache = null;
  m.agent.staleSpec = false;
  m.agent.staleSeq = false;
}

export function nodeChanged(w: World, n: number): void {
  w.leaders = w.leaders.map((p) => {
    if (p === null || p.node !== n) return p;
    return p.target === 'node' ? null : { ...p, touched: true };
  });
}

export function policyChanged(w: World): void {
  w.leaders = w.leaders.map((p) => (p !== null && p.target === 'policy' ? null : p));
}
