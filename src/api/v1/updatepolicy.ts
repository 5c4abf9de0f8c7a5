/** UpdatePolicy v1: which Bottlerocket nodes may be updated, to what, when, and how many at a time. */
import Type from 'typebox';
import type { Static } from 'typebox';
import type { KubeObject, Resource } from '../../runtime/kubernetes.ts';
import { GROUP } from '../names.ts';
import {
  DURATION_PATTERN,
  Duration,
  IntOrPercent,
  Nullable,
  Shaped,
  StringEnum,
  Time,
  withRules,
} from '../schema.ts';
import { Condition } from '../v2/bottlerocketshadow.ts';
import { LabelKey, Selector } from './selector.ts';

/** A CEL expression: one duration is longer than another; true when either is no duration, which its own rule says. */
const longer = (a: string, b: string): string =>
  `!${a}.matches('${DURATION_PATTERN}') || !${b}.matches('${DURATION_PATTERN}') || duration(${a}) > duration(${b})`;

const windowName = () =>
  Type.String({
    minLength: 1,
    maxLength: 63,
    description: 'Name shown in status and messages; unique among the windows of its list.',
  });

const schedule = (description: string) =>
  Shaped(
    '^[0-9A-Za-z*,/-]+( +[0-9A-Za-z*,/-]+){4}$',
    'must be a cron text of exactly five fields (minute, hour, day of month, month, day of week), such as "0 1 * * 6"; there are no seconds, no "?", no "#" and no "@weekly"',
    { maxLength: 128, description },
  );

const timeZone = (description: string, options: { default?: string } = {}) =>
  Shaped(
    '^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$',
    'must be an IANA time zone such as Europe/Paris; an offset such as +01:00 would miss daylight saving time',
    { maxLength: 64, description, ...options },
  );

const uniqueNames = (what: string) =>
  withRules({
    rule: 'self.all(a, !has(a.name) || self.exists_one(b, has(b.name) && b.name == a.name))',
    message: `two ${what} have the same name; give each a name of its own, or none`,
  });

export const MaintenanceWindow = Type.Object(
  {
    name: Type.Optional(windowName()),
    schedule: schedule(
      'When the window opens: cron text of five fields (minute, hour, day of month, month, day of week), by the wall clock of timeZone. Numbers, names such as SAT, lists, ranges and steps. When day of month and day of week are both restricted, either of them is enough.',
    ),
    duration: Duration({
      atLeast: '15m',
      atMost: '168h',
      description:
        'How long the window stays open, from 15m to 168h: elapsed time, so that 6h are 6 hours also in a night in which the clocks change.',
    }),
    timeZone: Type.Optional(
      timeZone('IANA time zone of schedule, such as Europe/Paris.', { default: 'UTC' }),
    ),
  },
  { description: 'A recurring window.' },
);

export const BlackoutWindow = Type.Object(
  {
    name: Type.Optional(windowName()),
    from: Type.Optional(
      Time({
        description:
          'Start of a blackout that happens once, inclusive: RFC 3339, such as 2026-12-20T00:00:00Z.',
      }),
    ),
    until: Type.Optional(Time({ description: 'End of a blackout that happens once, exclusive.' })),
    schedule: Type.Optional(
      schedule('When a recurring blackout begins: five-field cron text as in maintenanceWindows.'),
    ),
    duration: Type.Optional(
      Duration({
        atLeast: '1m',
        atMost: '168h',
        description: 'How long each recurrence lasts, from 1m to 168h; goes with schedule.',
      }),
    ),
    timeZone: Type.Optional(timeZone('IANA time zone of schedule; UTC when absent.')),
  },
  {
    description:
      'A time in which nothing starts and nothing goes on: either from and until, or schedule and duration.',
    ...withRules(
      {
        rule: '(has(self.from) || has(self.until)) != (has(self.schedule) || has(self.duration))',
        message:
          'must be either from and until (happens once) or schedule and duration (recurs), and not both; remove one pair',
      },
      {
        rule: 'has(self.from) == has(self.until)',
        message: 'from and until belong together; give both',
        reason: 'FieldValueRequired',
      },
      {
        rule: 'has(self.schedule) == has(self.duration)',
        message: 'schedule and duration belong together; give both',
        reason: 'FieldValueRequired',
      },
      {
        rule: '!has(self.timeZone) || has(self.schedule)',
        message: 'belongs to schedule; from and until carry their own offset, so remove it',
        fieldPath: '.timeZone',
        reason: 'FieldValueForbidden',
      },
      {
        rule: '!has(self.from) || !has(self.until) || self.from < self.until',
        message: 'must be later than from',
        fieldPath: '.until',
      },
    ),
  },
);

const versionText = (description: string) =>
  Shaped(
    '^[0-9]+[.][0-9]+[.][0-9]+(-[0-9A-Za-z.-]+)?([+][0-9A-Za-z.-]+)?$',
    'must be a whole version such as 1.44.0, without "v"',
    { maxLength: 64, description },
  );

const DrainPolicy = Type.Object(
  {
    timeout: Type.Optional(
      Duration({
        default: '30m',
        atLeast: '1s',
        atMost: '24h',
        description: 'How long a drain may take, from the cordon.',
      }),
    ),
    onTimeout: Type.Optional(
      StringEnum(['Requeue'], {
        default: 'Requeue',
        description:
          'Requeue uncordons the node, backs off (10 minutes, doubling to 6 hours) and goes on to the next one.',
      }),
    ),
    gracePeriodSeconds: Type.Optional(
      Nullable(
        Type.Integer({
          minimum: 0,
          maximum: 86400,
          description: "Grace period for every evicted pod, in seconds. Absent = each pod's own.",
        }),
      ),
    ),
    ignorePods: Type.Optional(
      Nullable(
        Selector('Pods that are left running, as those of DaemonSets are, and end with the reboot.', {
          nonEmpty:
            'an empty selector selects every pod, so that nothing would be drained; name labels, or remove the field',
        }),
      ),
    ),
    waitForPods: Type.Optional(
      Nullable(
        Selector('While such a pod runs on a node, for example a long batch job, the node does not start.', {
          nonEmpty:
            'an empty selector selects every pod, so that no node would ever start; name labels, or remove the field',
        }),
      ),
    ),
  },
  {
    default: {},
    description: 'How pods are moved away before the reboot. PodDisruptionBudgets always hold.',
  },
);

const VersionPolicy = Type.Object(
  {
    range: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        default: '*',
        description:
          'Versions to update to, as a node-semver range: "*" any, "1.44.0" pins one, "1.x" or ">=1.40.0 <2.0.0" a range.',
      }),
    ),
    exclude: Type.Optional(
      Type.Array(versionText('One version, without "v".'), {
        maxItems: 32,
        default: [],
        description: 'Versions never to update to, whatever range says.',
        'x-kubernetes-list-type': 'atomic',
      }),
    ),
    waves: Type.Optional(
      StringEnum(['Respect', 'Ignore'], {
        default: 'Respect',
        description:
          "Whether hosts wait for their turn in Bottlerocket's own staged rollout of a release (waves). Ignore takes a release as soon as it is published; it needs hostLock: Pin.",
      }),
    ),
    hostLock: Type.Optional(
      StringEnum(['Pin', 'Observe'], {
        default: 'Pin',
        description:
          'Pin sets settings.updates.version-lock of a host to the target while the host stages it, and restores it afterwards. Observe never writes settings of a host and acts only when the host itself offers exactly the target.',
      }),
    ),
  },
  {
    default: {},
    description: 'Which versions to update to.',
    ...withRules({
      // The field's own default, {}, is checked before the defaults inside it are set: hence has().
      rule: "!has(self.waves) || !has(self.hostLock) || self.waves == 'Respect' || self.hostLock == 'Pin'",
      message:
        'Ignore has to write a setting of the host, which hostLock: Observe forbids; set hostLock to Pin, or waves to Respect',
      fieldPath: '.waves',
    }),
  },
);

const TopologyPolicy = Type.Object(
  {
    key: LabelKey('Node label that names the failure domain, such as topology.kubernetes.io/zone.'),
    maxConcurrentUpdates: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 100_000,
        default: 1,
        description: 'Nodes updated at a time in one domain.',
      }),
    ),
    maxDomains: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1000,
        default: 0,
        description: 'Domains worked on at a time; 0 = any number, 1 = finish one domain before the next.',
      }),
    ),
  },
  { description: 'Hard cap per failure domain. Nodes without the label form one domain.' },
);

const step = (fallback: string, description: string) =>
  Type.Optional(Duration({ default: fallback, atLeast: '10s', atMost: '24h', description }));

export const UpdatePolicySpec = Type.Object(
  {
    mode: Type.Optional(
      StringEnum(['Enabled', 'Paused', 'DryRun'], {
        default: 'Enabled',
        description:
          'Enabled acts. Paused acts as a closed window: nothing starts, and nodes that have not been told to reboot are put back. DryRun writes status and Events only.',
      }),
    ),
    priority: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1000,
        default: 0,
        description:
          'The highest wins when several policies select a node. On a tie none of them acts, and the node says so.',
      }),
    ),
    nodeSelector: Type.Optional(
      Selector('Nodes this policy is for, by their labels; empty = every Bottlerocket node.', {
        default: {},
      }),
    ),
    maxConcurrentUpdates: Type.Optional(
      IntOrPercent({
        default: 1,
        description:
          'Nodes updated at a time: a number, or a percentage of the selected nodes such as "10%" (rounded down, but at least 1 for a percentage above 0). 0 = none, "100%" = no limit.',
      }),
    ),
    maxUnavailable: Type.Optional(
      Nullable(
        IntOrPercent({
          description:
            'No node starts while so many selected nodes are not Ready, cordoned, being deleted or being updated, whoever caused it. A number or a percentage, rounded as in maxConcurrentUpdates. Absent = not limited.',
        }),
      ),
    ),
    topology: Type.Optional(Nullable(TopologyPolicy)),
    interval: Type.Optional(
      Duration({
        default: '0s',
        atMost: '168h',
        description: "Rest between a node's success and the reuse of its slot.",
      }),
    ),
    cordonedNodes: Type.Optional(
      StringEnum(['Skip', 'Include'], {
        default: 'Skip',
        description:
          'Whether nodes that others cordoned are updated. Their cordon is never removed: such nodes stay cordoned afterwards.',
      }),
    ),
    version: Type.Optional(VersionPolicy),
    maintenanceWindows: Type.Optional(
      Type.Array(MaintenanceWindow, {
        maxItems: 32,
        default: [],
        description:
          'When updates may run: the union of these windows. Empty = always. Not empty = closed everywhere else.',
        'x-kubernetes-list-type': 'atomic',
        ...uniqueNames('maintenance windows'),
      }),
    ),
    blackoutWindows: Type.Optional(
      Type.Array(BlackoutWindow, {
        maxItems: 32,
        default: [],
        description: 'When nothing may run, whatever maintenanceWindows says.',
        'x-kubernetes-list-type': 'atomic',
        ...uniqueNames('blackout windows'),
      }),
    ),
    minRemaining: Type.Optional(
      Duration({
        default: '15m',
        atMost: '168h',
        description:
          'No node starts when less than this is left to the close of the window or to the next blackout. Every maintenance window has to be longer.',
      }),
    ),
    onClose: Type.Optional(
      StringEnum(['Finish', 'StopBeforeReboot'], {
        default: 'StopBeforeReboot',
        description:
          'What happens at the close of a window to a node that has not been told to reboot: Finish goes on with it (a blackout stops it all the same); StopBeforeReboot puts it back and tries again in the next window.',
      }),
    ),
    drain: Type.Optional(DrainPolicy),
    health: Type.Optional(
      Type.Object(
        {
          stableFor: Type.Optional(
            Duration({
              default: '2m',
              atMost: '24h',
              description:
                'How long the node must be Ready on the new version, its agent reporting and its DaemonSet pods ready, before it counts as updated.',
            }),
          ),
        },
        { default: {}, description: 'When a node counts as well after the reboot.' },
      ),
    ),
    timeouts: Type.Optional(
      Type.Object(
        {
          stage: step(
            '30m',
            'How long a host may take to download and prepare the new version. Longer = back-off of that node.',
          ),
          reboot: step(
            '15m',
            'How long a host may be away after it was told to reboot. Longer = a failure, which halts the policy.',
          ),
          verify: step(
            '15m',
            'How long a host may take to be healthy after the reboot, stableFor included. Longer = a failure, which halts the policy.',
          ),
        },
        { default: {}, description: 'Time limits of the steps.' },
      ),
    ),
  },
  {
    description:
      'Which nodes to update, to what, when, and how many at a time. Every field has a default; most policies need nodeSelector, maxConcurrentUpdates and maintenanceWindows.',
    ...withRules(
      {
        rule: `self.maintenanceWindows.all(w, ${longer('w.duration', 'self.minRemaining')})`,
        message:
          'every maintenance window must be longer than minRemaining, else no node would ever start in it; lengthen the window, or lower spec.minRemaining',
        fieldPath: '.maintenanceWindows',
      },
      {
        rule: longer('self.timeouts.verify', 'self.health.stableFor'),
        message:
          'must be longer than spec.health.stableFor, else no node could ever pass; raise it, or lower spec.health.stableFor',
        fieldPath: '.timeouts.verify',
      },
    ),
  },
);

/** Phases of a ledger entry; see protocol/ledger.ts. */
export const LEDGER_PHASES = ['Reserved', 'Ended', 'Failed', 'Lost', 'Resting'] as const;

export const LedgerEntry = Type.Object(
  {
    node: Type.String({ maxLength: 253, description: 'Name of the Node.' }),
    uid: Type.String({ maxLength: 64, description: 'UID of the Node.' }),
    shadowUid: Type.String({ maxLength: 64, description: 'UID of its shadow.' }),
    version: Type.String({ maxLength: 64, description: 'The target.' }),
    attempt: Type.Integer({ minimum: 0, description: 'Number of the attempt.' }),
    phase: StringEnum(LEDGER_PHASES, {
      description:
        'Reserved: under way. Ended, Failed: counted, being put back. Lost: rebooted and silent. Resting: updated, slot held for interval.',
    }),
    since: Time({ description: 'When the slot was taken.' }),
    until: Type.Optional(Nullable(Time({ description: 'When the phase ends: the rest, or the deadline.' }))),
    extended: Type.Optional(
      Nullable(Time({ description: 'The deadline after it was moved once because nobody could see.' })),
    ),
    reason: Type.Optional(Nullable(Type.String({ maxLength: 64, description: 'How the attempt ended.' }))),
  },
  { description: 'One slot.' },
);

const count = (description: string) => Type.Integer({ minimum: 0, description });

export const UpdatePolicyStatus = Type.Object(
  {
    observedGeneration: Type.Optional(
      Type.Integer({
        description: 'The generation this status is about; -1 = no controller has looked at it yet.',
      }),
    ),
    conditions: Type.Optional(
      Type.Array(Condition, {
        maxItems: 16,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
        description: 'Ready, Reconciling, Stalled, Valid, Halted, WindowOpen, UpToDate.',
      }),
    ),
    nodes: Type.Optional(
      Type.Object(
        {
          selected: count('Nodes this policy wins.'),
          upToDate: count('Nodes with nothing to do.'),
          pending: count('Nodes with an update waiting.'),
          updating: count('Nodes in the ledger.'),
          failed: count('Nodes whose last attempt failed.'),
          undrainable: count('Nodes whose last drain was blocked.'),
          excluded: count('Nodes excluded by annotation.'),
        },
        { description: 'Nodes by what they do.' },
      ),
    ),
    updating: Type.Optional(
      Type.Array(LedgerEntry, {
        maxItems: 2000,
        description: 'The slot ledger: written before anything is started.',
      }),
    ),
    summary: Type.Optional(
      Type.Object(
        {
          updated: Type.Optional(
            Type.String({ maxLength: 32, description: 'Updated of selected, as "12/40".' }),
          ),
          window: Type.Optional(Type.String({ maxLength: 128, description: 'The window in words.' })),
          reason: Type.Optional(
            Type.String({ maxLength: 256, description: 'The most frequent reason for nodes that wait.' }),
          ),
        },
        { description: 'Texts for the printer columns.' },
      ),
    ),
    budget: Type.Optional(
      Type.Object(
        {
          limit: count('Slots allowed now.'),
          used: count('Slots taken.'),
          usedByOthers: Type.Optional(
            Type.Array(Type.String({ maxLength: 253, description: 'Name of a Node.' }), {
              maxItems: 32,
              description: 'Selected nodes that another policy is still updating.',
            }),
          ),
        },
        { description: 'Slots.' },
      ),
    ),
    window: Type.Optional(
      Type.Object(
        {
          open: Type.Boolean({ description: 'Whether updates may start now.' }),
          name: Type.Optional(
            Nullable(Type.String({ maxLength: 63, description: 'Name of the open window or blackout.' })),
          ),
          closesAt: Type.Optional(Nullable(Time({ description: 'When it closes.' }))),
          nextOpensAt: Type.Optional(Nullable(Time({ description: 'When the next one opens.' }))),
        },
        { description: 'Where the clock stands in the windows.' },
      ),
    ),
    rollout: Type.Optional(
      Type.Object(
        {
          targetVersion: Type.Optional(
            Nullable(Type.String({ maxLength: 64, description: 'The newest target of any selected node.' })),
          ),
          targets: Type.Optional(
            Type.Array(
              Type.Object(
                {
                  variant: Type.String({ maxLength: 64, description: 'Variant of the image.' }),
                  arch: Type.String({ maxLength: 16, description: 'Architecture of the image.' }),
                  version: Type.String({ maxLength: 64, description: 'Target of these nodes.' }),
                  selected: count('Nodes of this variant and architecture.'),
                  updated: count('Of these, nodes that run the target.'),
                  failures: count('Of these, attempts that failed.'),
                },
                { description: 'Progress for one variant and architecture.' },
              ),
              { maxItems: 32, description: 'Targets, by variant and architecture.' },
            ),
          ),
          startedAt: Type.Optional(
            Nullable(Time({ description: 'When the first node of this rollout started.' })),
          ),
          estimatedCompletion: Type.Optional(
            Nullable(Time({ description: 'Estimated end, from the pace so far and the windows.' })),
          ),
          failures: Type.Optional(count('Failures of this rollout.')),
          updated: Type.Optional(count('Nodes updated in this rollout.')),
        },
        { description: 'The rollout under way.' },
      ),
    ),
    halt: Type.Optional(
      Nullable(
        Type.Object(
          {
            reason: Type.String({ maxLength: 64, description: 'The failure that halted the policy.' }),
            node: Type.String({ maxLength: 253, description: 'The node it happened on.' }),
            version: Type.String({ maxLength: 64, description: 'The version it was to get.' }),
            attempt: Type.Integer({ description: 'The attempt.' }),
            at: Time({ description: 'When it was counted.' }),
          },
          { description: 'Why the policy is halted; nothing starts until somebody resumes it.' },
        ),
      ),
    ),
    blocked: Type.Optional(
      Type.Array(
        Type.Object(
          {
            reason: Type.String({ maxLength: 64, description: 'A word of the list of reasons.' }),
            nodes: count('Nodes that wait for it.'),
            example: Type.String({
              maxLength: 512,
              description: 'One of them, with the object that blocks.',
            }),
          },
          { description: 'One reason.' },
        ),
        { maxItems: 10, description: 'Why nodes wait, most frequent first.' },
      ),
    ),
    history: Type.Optional(
      Type.Array(
        Type.Object(
          {
            targetVersion: Type.String({ maxLength: 64, description: 'The target.' }),
            startedAt: Time({ description: 'Start.' }),
            completedAt: Time({ description: 'End.' }),
            result: StringEnum(['Completed', 'Halted', 'Superseded'], { description: 'How it ended.' }),
            updated: count('Nodes updated.'),
            failed: count('Attempts that failed.'),
          },
          { description: 'One rollout.' },
        ),
        { maxItems: 5, description: 'The last rollouts, newest first.' },
      ),
    ),
  },
  { description: 'What the controller made of it.' },
);

export type UpdatePolicySpec = Static<typeof UpdatePolicySpec>;
export type UpdatePolicyStatus = Static<typeof UpdatePolicyStatus>;
export type MaintenanceWindow = Static<typeof MaintenanceWindow>;
export type BlackoutWindow = Static<typeof BlackoutWindow>;
export type LedgerEntry = Static<typeof LedgerEntry>;
export type LedgerPhase = (typeof LEDGER_PHASES)[number];

export interface UpdatePolicy extends KubeObject {
  spec: UpdatePolicySpec;
  status?: UpdatePolicyStatus;
}

export const UpdatePolicies: Resource<UpdatePolicy> = {
  group: GROUP,
  version: 'v1',
  plural: 'updatepolicies',
  kind: 'UpdatePolicy',
  namespaced: false,
};
