/** The situations of docs/reference/protocol.md: the states a node can be in, and what can come to it there. */
import type { EndReason } from '../../src/api/reasons.ts';
import type { BottlerocketShadow, HostErrorCode } from '../../src/api/v2/bottlerocketshadow.ts';
import type { AgentView } from '../../src/protocol/agent-view.ts';
import type { AttemptView } from '../../src/protocol/attempt.ts';
import { releaseCordon } from '../../src/protocol/marks.ts';
import {
  INTENT,
  NEW,
  NOW,
  OTHER_BOOT,
  READY,
  STAGED,
  agentView,
  attemptView,
  committed,
  cordoned,
  entry,
  idle,
  inMinutes,
  merged,
  monitoring,
  node,
  rebooted,
  rebooting,
  reserved,
  staged,
  staging,
  uncordoned,
} from '../../src/protocol/situations.fixture.ts';
import type { AgentChange, ShadowChange } from '../../src/protocol/situations.fixture.ts';

/** A state, as the controller finds a node in it. */
export interface ControllerState {
  title: string;
  view: AttemptView;
}

/** Something that comes to a node; undefined where it makes no difference that could be seen. */
export interface ControllerEvent {
  title: string;
  apply(view: AttemptView): AttemptView | undefined;
}

const drained = { evictable: 0, listedAtMs: NOW };

export const CONTROLLER_STATES: readonly ControllerState[] = [
  { title: 'Reserved, not started', view: attemptView({ shadow: reserved() }) },
  { title: 'Staging', view: attemptView({ shadow: staging() }) },
  { title: 'Staged, not cordoned', view: attemptView({ shadow: staged() }) },
  {
    title: 'Draining',
    view: attemptView({ shadow: staged(), node: cordoned(), drain: { evictable: 2, listedAtMs: NOW } }),
  },
  { title: 'Drained', view: attemptView({ shadow: staged(), node: cordoned(), drain: drained }) },
  { title: 'Told to reboot, no intent', view: attemptView({ shadow: rebooting(), node: cordoned() }) },
  { title: 'Intent open', view: attemptView({ shadow: committed(), node: cordoned() }) },
  { title: 'Rebooted', view: attemptView({ shadow: rebooted(), node: cordoned() }) },
  {
    title: 'Being verified',
    view: attemptView({ shadow: monitoring(), node: node({ bootId: OTHER_BOOT }) }),
  },
  {
    title: 'Ended, not counted',
    view: attemptView({
      shadow: idle({
        spec: { outcome: { attempt: 3, reason: 'Paused', message: 'The policy was paused.' } },
      }),
      node: cordoned(),
    }),
  },
  {
    title: 'Counted, being put back',
    view: attemptView({
      shadow: idle({ host: { staged: STAGED } }),
      entry: entry({ phase: 'Ended', reason: 'Paused', until: inMinutes(20) }),
    }),
  },
  {
    title: 'Lost',
    view: attemptView({
      shadow: committed(),
      node: cordoned(),
      entry: entry({ phase: 'Lost', reason: 'RebootTimeout', until: inMinutes(20) }),
    }),
  },
  {
    title: 'Resting',
    view: attemptView({
      shadow: idle({ version: NEW }),
      entry: entry({ phase: 'Resting', reason: 'Updated', until: inMinutes(1) }),
    }),
  },
];

/** The shadow of a view with something changed. */
const withShadow = (
  view: AttemptView,
  change: (shadow: BottlerocketShadow) => BottlerocketShadow,
): AttemptView | undefined =>
  view.shadow === undefined ? undefined : { ...view, shadow: change(view.shadow) };

const withSpec = (view: AttemptView, spec: ShadowChange['spec']): AttemptView | undefined =>
  withShadow(view, (shadow) => ({ ...shadow, spec: { ...shadow.spec, ...spec } }));

const gate =
  (reason: EndReason, message: string): ControllerEvent['apply'] =>
  (view) => ({ ...view, gate: { reason, message } });

const isCordonedByUs = ({ node: of }: AttemptView): boolean => of?.spec?.unschedulable === true;

/** The agent reports ErrorReset; only an attempt under way asks for that. */
const reports =
  (code: HostErrorCode): ControllerEvent['apply'] =>
  (view) => {
    if (view.entry.phase !== 'Reserved' || ['Idle', undefined].includes(view.shadow?.spec.state))
      return undefined;
    return withShadow(view, (shadow) => ({
      ...shadow,
      status: {
        ...shadow.status,
        current_state: 'ErrorReset',
        host: {
          seq: 5,
          generation: 9,
          bootId: 'boot-1',
          ...shadow.status?.host,
          rebootIntent: null,
          error: { code, message: 'Words of the host.', at: inMinutes(0) },
        },
      },
    }));
  };

export const CONTROLLER_EVENTS: readonly ControllerEvent[] = [
  { title: 'nothing', apply: (view) => view },
  { title: 'the window closes', apply: gate('WindowClosed', 'No maintenance window is open.') },
  {
    title: 'the window has closed and another is open',
    apply: (view) =>
      view.shadow?.spec.state === 'Idle' ? undefined : withSpec(view, { notAfter: inMinutes(-1) }),
  },
  { title: 'a blackout begins', apply: gate('Blackout', 'A blackout window is on.') },
  { title: 'the policy is paused', apply: gate('Paused', 'The policy is paused.') },
  { title: 'the policy halts', apply: gate('Superseded', 'A node failed, so nothing new starts.') },
  {
    title: 'the policy is deleted',
    apply: (view) => ({ ...view, policy: { ...view.policy, ending: true } }),
  },
  {
    title: 'the shadow is deleted',
    apply: (view) =>
      withShadow(view, (shadow) => ({
        ...shadow,
        metadata: { ...shadow.metadata, deletionTimestamp: inMinutes(0) },
      })),
  },
  {
    title: 'the shadow is removed by force',
    apply: ({ shadow: _shadow, ...view }) => ({ ...view, shadow: undefined }),
  },
  { title: 'the Node is removed', apply: ({ node: _node, ...view }) => ({ ...view, node: undefined }) },
  {
    title: 'somebody uncordons the Node',
    apply: (view) => (isCordonedByUs(view) ? { ...view, node: uncordoned() } : undefined),
  },
  {
    title: 'the uncordon is recorded',
    apply: (view) =>
      isCordonedByUs(view)
        ? { ...view, node: merged(uncordoned(), releaseCordon(uncordoned()) ?? {}) }
        : undefined,
  },
  {
    title: 'the deadline is missed',
    apply: (view) => {
      const late = withSpec(view, { deadline: inMinutes(-10) });
      if (view.entry.phase !== 'Reserved') return { ...view, entry: { ...view.entry, until: inMinutes(-1) } };
      return late !== undefined && isCordonedByUs(view) ? { ...late, node: cordoned(60) } : late;
    },
  },
  {
    title: 'the deadline passes while nobody can see',
    apply: (view) => {
      const late = withSpec(view, { deadline: inMinutes(-10) });
      const seen = late === undefined ? undefined : { ...late, sightSinceMs: NOW - 30_000 };
      return seen !== undefined && isCordonedByUs(view) ? { ...seen, node: cordoned(60) } : seen;
    },
  },
  { title: 'the agent reports `StageFailed`', apply: reports('StageFailed') },
  { title: 'the agent reports `NotArmed`', apply: reports('NotArmed') },
  { title: 'the agent reports `RebootRefused`', apply: reports('RebootRefused') },
  { title: 'the agent reports `BootFallback`', apply: reports('BootFallback') },
  { title: 'the agent reports `UnexpectedVersion`', apply: reports('UnexpectedVersion') },
  {
    title: 'a reboot that nobody asked for brought the target',
    apply: (view) => {
      if (view.shadow?.spec.state !== 'StagedAndPerformedUpdate') return undefined;
      return { ...view, shadow: staged({ version: NEW, host: { bootId: OTHER_BOOT, staged: null } }) };
    },
  },
  {
    title: 'the Node shows the reported boot id',
    apply: (view) =>
      view.shadow?.status?.current_state === 'RebootedIntoUpdate'
        ? { ...view, node: cordoned(1, { bootId: OTHER_BOOT }) }
        : undefined,
  },
  {
    title: 'it stays healthy for `health.stableFor`',
    apply: (view) =>
      view.shadow?.spec.state === 'MonitoringUpdate'
        ? { ...view, health: { healthySinceMs: NOW - 600_000, message: '' } }
        : undefined,
  },
  {
    title: 'the host is put back',
    apply: (view) => (view.entry.phase === 'Ended' ? { ...view, shadow: idle() } : undefined),
  },
  {
    title: 'another policy has started this attempt',
    apply: (view) =>
      view.shadow?.spec.state === 'Idle'
        ? undefined
        : withSpec(view, { policy: { name: 'other', uid: 'policy-2' } }),
  },
  {
    title: 'a later attempt is under way',
    apply: (view) => (view.entry.phase === 'Reserved' ? withSpec(view, { attempt: 4 }) : undefined),
  },
];

/** A situation of an agent. */
export interface AgentCase {
  title: string;
  view: AgentView;
}

const seen = (title: string, change: AgentChange): AgentCase => ({ title, view: agentView(change) });
const saved = { versionLock: 'latest', versionLockSet: NEW };
const pinned = { versionLock: NEW, ignoreWaves: false };
const accepted = { intentAccepted: { at: INTENT.at, monotonicMs: agentView().monotonicMs } };
const newBoot = { bootId: OTHER_BOOT, running: NEW };
const held = staging({ host: { saved } });
const left = idle({ state: 'StagedAndPerformedUpdate', host: { staged: STAGED } });
const image = { ...READY, state: 'Staged', staging: { version: NEW, nextToBoot: false } } as const;

export const AGENT_CASES: Readonly<Record<string, readonly AgentCase[]>> = {
  '`Idle` is asked for': [
    seen('nothing is left', {}),
    seen('the hourly check is due', { checkDue: true }),
    seen('the host is armed by us', { shadow: left, host: { update: READY } }),
    seen('the host is armed by somebody else', {
      shadow: idle({ host: { updateState: 'Ready' }, status: { target_version: NEW } }),
      host: { update: READY },
    }),
    seen('the lock is ours still', { shadow: idle({ host: { saved } }), host: { settings: pinned } }),
    seen('somebody has changed the lock since', {
      shadow: idle({ host: { saved } }),
      host: { settings: { versionLock: '1.40.0', ignoreWaves: false } },
    }),
    seen('an intent was given up moments ago', { shadow: idle({ host: { rebootIntent: INTENT } }) }),
    seen('an update command runs', { host: { update: 'busy' } }),
  ],
  '`StagedAndPerformedUpdate` is asked for': [
    seen('nothing is done yet', { shadow: staging() }),
    seen('the lock is saved', { shadow: held }),
    seen('the lock is set', { shadow: held, host: { settings: pinned } }),
    seen('`hostLock` is `Observe`', {
      shadow: staging({ spec: { host: { lock: 'Observe', waves: 'Respect' } } }),
    }),
    seen('the host chose the target', {
      shadow: held,
      host: { settings: pinned, update: { state: 'Available', available: [NEW], chosen: NEW } },
      memory: { refreshed: true },
    }),
    seen('the host chose another version', {
      shadow: held,
      host: { settings: pinned, update: { state: 'Available', available: [NEW], chosen: '1.43.0' } },
      memory: { refreshed: true },
    }),
    seen('a step failed five times', { shadow: held, memory: { tries: 5, failure: 'Words of the host.' } }),
    seen('the image is recorded, the lock is ours still', {
      shadow: staging({ host: { staged: STAGED, saved } }),
      host: { settings: pinned, update: image },
    }),
    seen('the image is recorded, the lock restored', {
      shadow: staging({ host: { staged: STAGED, saved } }),
      host: { update: image },
    }),
    seen('the host is armed with the target', {
      shadow: staging({ host: { staged: STAGED, saved } }),
      host: { update: READY },
    }),
    seen('the host is armed with another version', {
      shadow: staging({ host: { staged: STAGED } }),
      host: { update: { ...READY, staging: { version: '1.43.0', nextToBoot: true } } },
    }),
    seen('the host rebooted before the image was recorded', {
      shadow: held,
      host: { bootId: OTHER_BOOT, settings: pinned },
    }),
    seen('the host rebooted after it was armed, and runs the old version', {
      shadow: staged(),
      host: { bootId: OTHER_BOOT },
    }),
    seen('the target runs', { shadow: staging({ host: { staged: STAGED } }), host: newBoot }),
    seen('neither version runs', { shadow: staging(), host: { bootId: OTHER_BOOT, running: '1.43.0' } }),
  ],
  '`RebootedIntoUpdate` is asked for': [
    seen('the host is armed', { shadow: rebooting(), host: { update: READY } }),
    seen('the host is not armed any more', { shadow: rebooting(), host: { update: image } }),
    seen('`notAfter` or the deadline has passed', {
      shadow: rebooting({ spec: { notAfter: inMinutes(-1) } }),
      host: { update: READY },
    }),
    seen('the shadow is being deleted', { shadow: rebooting({ deleting: true }), host: { update: READY } }),
    seen('the intent was accepted a moment ago', {
      shadow: committed(),
      host: { update: READY },
      memory: accepted,
    }),
    seen('the agent has restarted since the intent', { shadow: committed(), host: { update: READY } }),
    seen('the reboot was asked for a minute ago', {
      shadow: committed(),
      host: { update: READY },
      memory: { ...accepted, postedMs: agentView().monotonicMs },
      now: NOW + 60_000,
      monotonicMs: agentView().monotonicMs + 60_000,
    }),
    seen('the reboot was asked for six minutes ago', {
      shadow: committed(),
      host: { update: READY },
      memory: { ...accepted, postedMs: agentView().monotonicMs },
      now: NOW + 360_000,
      monotonicMs: agentView().monotonicMs + 360_000,
    }),
    seen('the host refused the only POST', {
      shadow: committed(),
      host: { update: READY },
      memory: { ...accepted, refused: 'Words of the host.' },
    }),
    seen('the host refused, an earlier POST may act', {
      shadow: committed(),
      host: { update: READY },
      memory: { ...accepted, refused: 'Words of the host.', possiblePostMs: agentView().monotonicMs },
    }),
    seen('a new boot, the target runs', { shadow: committed(), host: newBoot }),
    seen('a new boot, the old version runs', { shadow: committed(), host: { bootId: OTHER_BOOT } }),
    seen('a new boot, neither version runs', {
      shadow: committed(),
      host: { bootId: OTHER_BOOT, running: '1.43.0' },
    }),
    seen('the boot is recorded', { shadow: rebooted(), host: newBoot }),
    seen('one more boot after that', { shadow: rebooted(), host: { bootId: 'boot-3', running: NEW } }),
  ],
  '`MonitoringUpdate` is asked for': [
    seen('the target runs', { shadow: monitoring({ state: 'RebootedIntoUpdate' }), host: newBoot }),
    seen('that is recorded', { shadow: monitoring(), host: newBoot }),
    seen('that is recorded, the check after the boot is due', {
      shadow: monitoring(),
      host: newBoot,
      checkDue: true,
    }),
    seen('another boot', { shadow: monitoring(), host: { bootId: 'boot-3', running: NEW } }),
    seen('another version runs', { shadow: monitoring(), host: { bootId: OTHER_BOOT } }),
  ],
};
