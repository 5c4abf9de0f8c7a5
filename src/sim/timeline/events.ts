/** What can be seen to happen during a rollout, whoever watches it: a real cluster, the simulation, a demo. */

/** How a span looks, and which others it replaces: those of one track never overlap. */
export type Track = 'cordon' | 'phase' | 'readiness' | 'presence';

/** A stretch of time in one lane. */
export interface SpanText {
  /** For legends and tables. */
  readonly label: string;
  readonly track: Track;
}

/** Every kind of span, in the order of legends and columns. */
export const SPAN_KINDS = {
  preparing: { label: 'Preparing', track: 'phase' },
  draining: { label: 'Draining', track: 'phase' },
  held: { label: 'Held', track: 'phase' },
  shuttingDown: { label: 'Shutting down', track: 'phase' },
  off: { label: 'Off', track: 'phase' },
  starting: { label: 'Starting', track: 'phase' },
  verifying: { label: 'Verifying', track: 'phase' },
  puttingBack: { label: 'Putting back', track: 'phase' },
  cordoned: { label: 'Cordoned', track: 'cordon' },
  notReady: { label: 'Not Ready', track: 'readiness' },
  open: { label: 'Open', track: 'presence' },
  away: { label: 'Away', track: 'presence' },
} as const satisfies Record<string, SpanText>;

export type SpanKind = keyof typeof SPAN_KINDS;

/** How much a mark asks for attention; `minor` ones are drawn small. */
export type Tone = 'minor' | 'info' | 'good' | 'warning' | 'bad';

interface EventText {
  /** For reports: what has happened. */
  readonly label: string;
  readonly tone: Tone;
  /** Begins this span, and ends what else is open on its track. */
  readonly opens?: SpanKind;
  /** Opens it only while one of these is open. */
  readonly onlyAfter?: readonly SpanKind[];
  /** Ends these. */
  readonly closes?: readonly SpanKind[];
}

const PHASES = [
  'preparing',
  'draining',
  'held',
  'shuttingDown',
  'off',
  'starting',
  'verifying',
  'puttingBack',
] as const;

/** Every kind of event and what it does to the lane it is told of. */
export const EVENT_KINDS = {
  updateAvailable: { label: 'Update available', tone: 'info' },
  started: { label: 'Attempt started', tone: 'info', opens: 'preparing' },
  staged: { label: 'Staged', tone: 'minor' },
  cordoned: { label: 'Cordoned', tone: 'minor', opens: 'cordoned' },
  drainStarted: { label: 'Drain started', tone: 'minor', opens: 'draining' },
  podEvicted: { label: 'Pod evicted', tone: 'minor' },
  podGone: { label: 'Pod gone', tone: 'minor' },
  podStarted: { label: 'Pod ready', tone: 'minor' },
  podLeft: { label: 'Pod not ready', tone: 'minor' },
  drainHeld: { label: 'Drain held', tone: 'warning', opens: 'held' },
  drainContinued: { label: 'Drain continued', tone: 'info', opens: 'draining' },
  drained: { label: 'Drained', tone: 'info', closes: ['draining', 'held'] },
  rebootRequested: { label: 'Reboot requested', tone: 'info', opens: 'shuttingDown' },
  notReady: { label: 'Not Ready', tone: 'minor', opens: 'notReady' },
  down: { label: 'Machine off', tone: 'minor', opens: 'off' },
  up: { label: 'Machine boots', tone: 'minor', opens: 'starting' },
  booted: { label: 'New boot seen', tone: 'minor', opens: 'starting', onlyAfter: ['shuttingDown', 'off'] },
  ready: { label: 'Ready', tone: 'info', closes: ['notReady'] },
  bootReported: { label: 'Reboot reported', tone: 'info', opens: 'verifying' },
  uncordoned: { label: 'Uncordoned', tone: 'minor', closes: ['cordoned'] },
  updated: { label: 'Updated', tone: 'good', closes: PHASES },
  held: { label: 'Held', tone: 'warning' },
  failed: { label: 'Failed', tone: 'bad', opens: 'puttingBack' },
  putBack: { label: 'Being put back', tone: 'warning', opens: 'puttingBack' },
  finished: { label: 'Finished', tone: 'minor', closes: PHASES },
  lost: { label: 'Lost', tone: 'bad' },
  removed: { label: 'Removed', tone: 'warning', closes: [...PHASES, 'cordoned', 'notReady'] },
  killed: { label: 'Killed', tone: 'bad', opens: 'away' },
  away: { label: 'Away', tone: 'warning', opens: 'away' },
  back: { label: 'Back', tone: 'info', closes: ['away'] },
  opened: { label: 'Opened', tone: 'info', opens: 'open' },
  closed: { label: 'Closed', tone: 'info', closes: ['open'] },
  leads: { label: 'Leads', tone: 'info' },
  upgraded: { label: 'Upgraded', tone: 'info' },
  requestFailed: { label: 'Request failed', tone: 'bad' },
  note: { label: 'Note', tone: 'info' },
} as const satisfies Record<string, EventText>;

export type EventKind = keyof typeof EVENT_KINDS;

/** What an event of this kind is called and does. */
export const eventText = (kind: EventKind): EventText => EVENT_KINDS[kind];

/** A node, or anybody else who does something or to whom something happens. */
export interface Lane {
  kind: 'node' | 'actor';
  /** Name of the node; of an actor any short text: `kube-apiserver`, `window`, `client`. */
  name: string;
}

export interface TimelineEvent {
  /** Milliseconds since the epoch, or since any other zero that all events of a timeline share. */
  atMs: number;
  lane: Lane;
  kind: EventKind;
  /** What is to be known beside the kind; may be empty. */
  text: string;
}

/** An event of a node. */
export const nodeEvent = (name: string, event: Omit<TimelineEvent, 'lane'>): TimelineEvent => ({
  ...event,
  lane: { kind: 'node', name },
});

/** An event of anybody else. */
export const actorEvent = (name: string, event: Omit<TimelineEvent, 'lane'>): TimelineEvent => ({
  ...event,
  lane: { kind: 'actor', name },
});
