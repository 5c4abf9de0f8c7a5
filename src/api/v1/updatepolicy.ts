/** UpdatePolicy v1: which Bottlerocket nodes may be updated, to what, when, and how many at a time. */
import Type from 'typebox';
import type { Static } from 'typebox';
import type { KubeObject, Resource } from '../../runtime/kubernetes.ts';
import type { LabelSelector } from '../core.ts';
import { GROUP } from '../names.ts';
import { Duration, IntOrPercent, Nullable, StringEnum, StringMap, Time } from '../schema.ts';
import { Condition } from '../v2/bottlerocketshadow.ts';

const selector = (description: string) =>
  Type.Unsafe<LabelSelector>({
    ...Type.Object({
      matchLabels: Type.Optional(
        StringMap(32, { description: 'Labels that must have exactly these values.' }),
      ),
      matchExpressions: Type.Optional(
        Type.Array(
          Type.Object(
            {
              key: Type.String({ maxLength: 317, description: 'The label.' }),
              operator: StringEnum(['In', 'NotIn', 'Exists', 'DoesNotExist'], {
                description: 'How the label is compared.',
              }),
              values: Type.Optional(
                Type.Array(Type.String({ maxLength: 63 }), {
                  maxItems: 32,
                  description: 'Values for In and NotIn; absent for Exists and DoesNotExist.',
                }),
              ),
            },
            { description: 'One term; all must hold.' },
          ),
          { maxItems: 32, description: 'Terms that must all hold.' },
        ),
      ),
    }),
    description,
  });

export const MaintenanceWindow = Type.Object(
  {
    name: Type.Optional(Type.String({ maxLength: 63, description: 'Name shown in status and messages.' })),
    schedule: Type.String({
      minLength: 9,
      maxLength: 128,
      description: 'Five-field cron text; the window opens at each fire, by the wall clock of timeZone.',
    }),
    duration: Duration({ description: 'How long the window stays open: elapsed time, 15m to 168h.' }),
    timeZone: Type.Optional(
      Type.String({ maxLength: 64, default: 'UTC', description: 'IANA time zone, such as Europe/Paris.' }),
    ),
  },
  { description: 'A recurring window.' },
);

export const BlackoutWindow = Type.Object(
  {
    name: Type.Optional(Type.String({ maxLength: 63, description: 'Name shown in status and messages.' })),
    from: Type.Optional(Time({ description: 'Start, inclusive.' })),
    until: Type.Optional(Time({ description: 'End, exclusive.' })),
    schedule: Type.Optional(
      Type.String({
        minLength: 9,
        maxLength: 128,
        description: 'Five-field cron text, instead of from and until.',
      }),
    ),
    duration: Type.Optional(Duration({ description: 'How long each recurrence lasts; with schedule.' })),
    timeZone: Type.Optional(
      Type.String({ maxLength: 64, description: 'IANA time zone of schedule; UTC when absent.' }),
    ),
  },
  { description: 'A time in which nothing starts and nothing goes on.' },
);

export const UpdatePolicySpec = Type.Object(
  {
    mode: Type.Optional(
      StringEnum(['Enabled', 'Paused', 'DryRun'], {
        default: 'Enabled',
        description: 'Enabled acts. Paused acts as a closed window. DryRun writes status and Events only.',
      }),
    ),
    priority: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 1000,
        default: 0,
        description: 'The highest wins when several policies select a node; on a tie none acts.',
      }),
    ),
    nodeSelector: Type.Optional(selector('Nodes this policy is for; empty = every Bottlerocket node.')),
    maxConcurrentUpdates: Type.Optional(
      IntOrPercent({
        default: 1,
        description:
          'Nodes updated at a time: a number, or a percentage of the selected nodes (rounded down, at least 1). 0 = none.',
      }),
    ),
    maxUnavailable: Type.Optional(
      Nullable(
        IntOrPercent({
          description:
            'Upper bound for selected nodes that are not Ready, cordoned, being deleted or being updated, whoever caused it. Absent = not limited.',
        }),
      ),
    ),
    topology: Type.Optional(
      Nullable(
        Type.Object(
          {
            key: Type.String({
              minLength: 1,
              maxLength: 317,
              description: 'Node label that names the failure domain.',
            }),
            maxConcurrentUpdates: Type.Optional(
              Type.Integer({ minimum: 1, default: 1, description: 'Nodes updated at a time in one domain.' }),
            ),
            maxDomains: Type.Optional(
              Type.Integer({
                minimum: 0,
                default: 0,
                description: 'Domains worked on at a time; 0 = any number.',
              }),
            ),
          },
          { description: 'Hard cap per failure domain. Nodes without the label form one domain.' },
        ),
      ),
    ),
    interval: Type.Optional(
      Duration({ default: '0s', description: "Rest between a node's success and the reuse of its slot." }),
    ),
    cordonedNodes: Type.Optional(
      StringEnum(['Skip', 'Include'], {
        default: 'Skip',
        description: 'Whether nodes that others cordoned are updated; they stay cordoned.',
      }),
    ),
    version: Type.Optional(
      Type.Object(
        {
          range: Type.Optional(
            Type.String({
              minLength: 1,
              maxLength: 256,
              default: '*',
              description: 'node-semver range of versions to update to; "1.44.0" pins.',
            }),
          ),
          exclude: Type.Optional(
            Type.Array(Type.String({ maxLength: 64 }), {
              maxItems: 32,
              default: [],
              description: 'Versions never to update to.',
            }),
          ),
          waves: Type.Optional(
            StringEnum(['Respect', 'Ignore'], {
              default: 'Respect',
              description: "Whether hosts follow Bottlerocket's own rollout waves.",
            }),
          ),
          hostLock: Type.Optional(
            StringEnum(['Pin', 'Observe'], {
              default: 'Pin',
              description:
                'Pin sets settings.updates.version-lock to the target while staging and restores it. Observe never writes settings and acts only when the host offers exactly the target.',
            }),
          ),
        },
        { default: {}, description: 'Which versions to update to.' },
      ),
    ),
    maintenanceWindows: Type.Optional(
      Type.Array(MaintenanceWindow, {
        maxItems: 32,
        default: [],
        description:
          'When updates may run: the union of these. Empty = always; not empty = closed everywhere else.',
      }),
    ),
    blackoutWindows: Type.Optional(
      Type.Array(BlackoutWindow, {
        maxItems: 32,
        default: [],
        description: 'When nothing may run, whatever maintenanceWindows says.',
      }),
    ),
    minRemaining: Type.Optional(
      Duration({
        default: '15m',
        description: 'No node starts when less is left to the close or the next blackout.',
      }),
    ),
    onClose: Type.Optional(
      StringEnum(['Finish', 'StopBeforeReboot'], {
        default: 'StopBeforeReboot',
        description:
          'What happens to a node that has not rebooted when the window closes: Finish it (a blackout stops it all the same), or put it back.',
      }),
    ),
    drain: Type.Optional(
      Type.Object(
        {
          timeout: Type.Optional(
            Duration({ default: '30m', description: 'How long a drain may take, from the cordon.' }),
          ),
          onTimeout: Type.Optional(
            StringEnum(['Requeue'], {
              default: 'Requeue',
              description: 'Requeue puts the node back, backs off and goes on to the next.',
            }),
          ),
          gracePeriodSeconds: Type.Optional(
            Nullable(
              Type.Integer({
                minimum: 0,
                maximum: 86400,
                description: "Grace period for every evicted pod. Absent = each pod's own.",
              }),
            ),
          ),
          ignorePods: Type.Optional(
            Nullable(selector('Pods that are left running, as those of DaemonSets are.')),
          ),
          waitForPods: Type.Optional(
            Nullable(selector('While such a pod runs on a node, the node does not start.')),
          ),
        },
        { default: {}, description: 'How pods are moved away.' },
      ),
    ),
    health: Type.Optional(
      Type.Object(
        {
          stableFor: Type.Optional(
            Duration({
              default: '2m',
              description:
                'How long the node must be Ready on the new version, agent reporting and DaemonSet pods ready, before it counts as updated.',
            }),
          ),
        },
        { default: {}, description: 'When a node counts as well after the reboot.' },
      ),
    ),
    timeouts: Type.Optional(
      Type.Object(
        {
          stage: Type.Optional(
            Duration({ default: '30m', description: 'How long downloading and activating may take.' }),
          ),
          reboot: Type.Optional(Duration({ default: '15m', description: 'How long a host may be away.' })),
          verify: Type.Optional(
            Duration({
              default: '15m',
              description: 'How long a host may take to be healthy after the reboot.',
            }),
          ),
        },
        { default: {}, description: 'Time limits of the steps.' },
      ),
    ),
  },
  { description: 'What to update, to what, when, and how many at a time.' },
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
      Type.Integer({ description: 'The generation this status is about; -1 = none yet.' }),
    ),
    conditions: Type.Optional(
      Type.Array(Condition, {
        maxItems: 16,
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
            Type.Array(Type.String({ maxLength: 253 }), {
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
