/**
 * Turns the protocol's next step for one ledger entry into writes. Pure. The decision itself is `nextStep`; here is
 * only how each step is written down, and what is said about it.
 */
import { Nodes } from '../../api/core.ts';
import type { Node } from '../../api/core.ts';
import { END_COUNTS } from '../../api/reasons.ts';
import type { LedgerEntry } from '../../api/v1/updatepolicy.ts';
import type { BottlerocketShadow, HostPolicy } from '../../api/v2/bottlerocketshadow.ts';
import { nextStep } from '../../protocol/attempt.ts';
import type { AttemptStep, AttemptView, CountStep } from '../../protocol/attempt.ts';
import { backoffAfter } from '../../protocol/ledger.ts';
import { isAttemptMark, readMarks, releaseCordon, setMark, undoMarks } from '../../protocol/marks.ts';
import type { NodePatch } from '../../protocol/marks.ts';
import { rfc3339 } from '../../runtime/clock.ts';
import { subjectOf } from '../events/recorder.ts';
import type { NewEvent } from '../events/recorder.ts';
import type { Action, NodeReason } from './actions.ts';
import type { DrainOrder } from './drains.ts';
import { advancePatch, extendPatch, fencePatch, startPatch } from './patches.ts';

/** Everything about one entry that its steps are written from. */
export interface EntryContext {
  view: AttemptView;
  /** What the policy says of settings of the host. */
  host: HostPolicy;
  /** No reboot intent from this instant on. */
  notAfterMs: number | undefined;
  /** Nothing new may be begun: the clock is wrong, or nobody is there that agents could report to. */
  isHeld: boolean;
  drainOrder: DrainOrder;
  /** Before this instant the drain rests between two rounds. */
  drainNextAtMs: number;
  /** When the pods have to be listed for the verification. */
  verifyAtMs: number | undefined;
}

/** How the ledger changes. */
export type LedgerChange =
  | { do: 'count'; step: CountStep; events: NewEvent[] }
  | { do: 'extend'; deadlineMs: number }
  | { do: 'remove' };

export interface Advance {
  action?: Action;
  ledger?: LedgerChange;
  /** Why the node is where it is; absent while it is on its way from one step to the next. */
  reason?: NodeReason;
  /** When to look again, if nothing changes before. */
  wakeAtMs?: number;
}

/** Decides one entry. @param decide how; another way is for attempts without a ledger. */
export function advance(
  context: EntryContext,
  decide: (view: AttemptView) => AttemptStep = nextStep,
): Advance {
  const step = decide(context.view);
  return context.isHeld && BEGINS.has(step.do) ? {} : HANDLERS[step.do](context, step as never);
}

/** Steps that take something from a node; the others put it back, or wait. */
const BEGINS: ReadonlySet<AttemptStep['do']> = new Set(['start', 'cordon', 'evict', 'reboot']);

type Step<D extends AttemptStep['do']> = Extract<AttemptStep, { do: D }>;
type Handlers = { [D in AttemptStep['do']]: (context: EntryContext, step: Step<D>) => Advance };

const ownerOf = ({ shadowUid, attempt }: LedgerEntry) => ({ shadowUid, attempt });

function patchShadow(
  { view: { shadow } }: EntryContext,
  why: string,
  write: { patch: (shadow: BottlerocketShadow) => object; events?: NewEvent[]; subresource?: 'status' },
): Advance {
  if (shadow === undefined) return {};
  const { patch, ...rest } = write;
  return { action: { do: 'patchShadow', shadow, why, patch: patch(shadow), ...rest } };
}

function patchNode(
  { view: { node } }: EntryContext,
  why: string,
  patch: (node: Node) => NodePatch | undefined,
): Advance {
  const body = node === undefined ? undefined : patch(node);
  return node === undefined || body === undefined
    ? {}
    : { action: { do: 'patchNode', node, why, patch: body } };
}

/** An Event about the node of an entry. */
function nodeEvent(
  { view: { node, entry } }: EntryContext,
  event: Omit<NewEvent, 'regarding' | 'action'>,
): NewEvent {
  const regarding =
    node === undefined
      ? { apiVersion: 'v1', kind: 'Node', name: entry.node, uid: entry.uid }
      : subjectOf(Nodes, node);
  return { regarding, action: 'Update', ...event };
}

const HANDLERS: Handlers = {
  start: (context, { deadlineMs }) =>
    patchShadow(context, 'Starting an update', {
      patch: (shadow) =>
        startPatch(shadow, context.view.entry, {
          now: context.view.now,
          deadlineMs,
          notAfterMs: context.notAfterMs,
          policy: { name: context.view.policy.name, uid: context.view.policy.uid },
          host: context.host,
        }),
      events: [nodeEvent(context, { type: 'Normal', reason: 'Staging', note: startNote(context) })],
    }),

  cordon,

  list: (context, step) => drain(context, step),
  evict: (context, step) => drain(context, step),

  reboot: (context, { deadlineMs }) =>
    patchShadow(context, 'Telling a host to reboot', {
      patch: (shadow) =>
        advancePatch(shadow, 'RebootedIntoUpdate', {
          now: context.view.now,
          deadlineMs,
          notAfterMs: context.notAfterMs,
        }),
      events: [
        nodeEvent(context, {
          type: 'Normal',
          reason: 'Rebooting',
          note: `The node is drained and reboots into ${context.view.entry.version}.`,
        }),
      ],
    }),

  monitor: (context, { deadlineMs }) =>
    patchShadow(context, 'Verifying a node', {
      patch: (shadow) => advancePatch(shadow, 'MonitoringUpdate', { now: context.view.now, deadlineMs }),
    }),

  undo: (context) =>
    patchNode(context, 'Undoing the marks of an attempt', (node) =>
      undoMarks(node, isAttemptMark, ownerOf(context.view.entry)),
    ),

  release: (context) => patchNode(context, 'Recording that somebody uncordoned a node', releaseCordon),

  fence: (context, { end, message, deadlineMs }) =>
    patchShadow(context, 'Ending an attempt', {
      patch: (shadow) =>
        fencePatch(shadow, context.view.entry, {
          end,
          message,
          deadlineMs,
          now: context.view.now,
          policy: { name: context.view.policy.name, uid: context.view.policy.uid },
        }),
    }),

  count: (context, step) => ({ ledger: { do: 'count', step, events: [endEvent(context, step)] } }),

  backoff: (context) => {
    const { now, entry, shadow } = context.view;
    const backoff = shadow === undefined ? undefined : backoffAfter(shadow, entry, now);
    if (backoff === undefined) return {};
    return patchShadow(context, 'Recording a back-off', {
      subresource: 'status',
      patch: ({ metadata }) => backoffPatch(metadata.resourceVersion, backoff),
    });
  },

  extendEntry: (_context, { deadlineMs }) => ({ ledger: { do: 'extend', deadlineMs } }),

  extendSpec: (context, { deadlineMs }) =>
    patchShadow(context, 'Moving a deadline that passed unseen', {
      patch: (shadow) => extendPatch(shadow, deadlineMs),
    }),

  remove: () => ({ ledger: { do: 'remove' } }),

  wait: (context, step) => {
    const reason: NodeReason = { reason: step.reason, message: step.message, ...phaseOf(step.reason) };
    const { verifyAtMs, view } = context;
    const isVerifying = step.reason === 'Verifying' && view.node !== undefined;
    if (isVerifying && verifyAtMs !== undefined && verifyAtMs <= view.now) {
      const id = ownerOf(view.entry);
      return { action: { do: 'verify', id, node: view.entry.node }, reason };
    }
    const wakeAtMs = earliest(step.untilMs, isVerifying ? verifyAtMs : undefined);
    return { reason, ...(wakeAtMs === undefined ? {} : { wakeAtMs }) };
  },
};

function cordon(context: EntryContext): Advance {
  const { node, entry, now } = context.view;
  const unreadable = node === undefined ? undefined : readMarks(node).error;
  if (unreadable !== undefined) {
    const message = `The node cannot be marked: ${unreadable}. Remove the annotation.`;
    return HANDLERS.fence(context, { do: 'fence', end: 'Superseded', message, deadlineMs: now });
  }
  return patchNode(context, 'Cordoning a node', (found) =>
    setMark(found, 'cordon', { value: true, at: rfc3339(now), owner: ownerOf(entry) }),
  );
}

function drain(context: EntryContext, step: Step<'list' | 'evict'>): Advance {
  const { reason, message } = step;
  const told: NodeReason = { reason, message, phase: 'Draining' };
  const stopAtMs = Math.min(context.drainOrder.stopAtMs, step.do === 'evict' ? step.untilMs : Infinity);
  if (context.drainNextAtMs > context.view.now) return { reason: told, wakeAtMs: context.drainNextAtMs };
  return { action: { do: 'drain', step: step.do, order: { ...context.drainOrder, stopAtMs } }, reason: told };
}

const earliest = (...instants: (number | undefined)[]): number | undefined => {
  const known = instants.filter((instant) => instant !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
};

const PHASES: Partial<Record<NodeReason['reason'], NonNullable<NodeReason['phase']>>> = {
  Staging: 'Staging',
  Draining: 'Draining',
  Rebooting: 'Rebooting',
  Verifying: 'Verifying',
};

const phaseOf = (reason: NodeReason['reason']): Pick<NodeReason, 'phase'> => {
  const phase = PHASES[reason];
  return phase === undefined ? {} : { phase };
};

const startNote = ({ view: { policy, entry, shadow } }: EntryContext): string =>
  `UpdatePolicy ${policy.name} updates the node from ${shadow?.status?.current_version ?? 'an unknown version'} to ${entry.version} (attempt ${entry.attempt}).`;

function endEvent(context: EntryContext, { end, message }: CountStep): NewEvent {
  const isBad = END_COUNTS[end] === 'failure' || END_COUNTS[end] === 'backoff';
  return nodeEvent(context, { type: isBad ? 'Warning' : 'Normal', reason: end, note: message });
}

/** The back-off, with Brupop's two fields that say the same. */
const backoffPatch = (
  resourceVersion: string | undefined,
  backoff: NonNullable<ReturnType<typeof backoffAfter>>,
): object => ({
  metadata: { resourceVersion },
  status: { backoff, crash_count: backoff.failures, state_transition_failure_timestamp: backoff.at },
});
