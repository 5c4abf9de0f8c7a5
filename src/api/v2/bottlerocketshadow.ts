/**
 * BottlerocketShadow v2: what the controller wants of one host, and what the host reported. Wire-compatible with
 * Brupop 1.x, which is the only reason for the snake_case of its first fields.
 *
 * Who writes what: the controller all of `spec` and, of `status`, everything but the agent's part; the API server,
 * for the agent, `status.{current_state,current_version,target_version,host}`.
 */
import Type from 'typebox';
import type { Static } from 'typebox';
import type { KubeObject, Resource } from '../../runtime/kubernetes.ts';
import { GROUP } from '../names.ts';
import { Nullable, StringEnum, Time, withRules } from '../schema.ts';

/** States of Brupop 1.x, in the order a host goes through them; `ErrorReset` is only ever reported. */
export const STATES = [
  'Idle',
  'StagedAndPerformedUpdate',
  'RebootedIntoUpdate',
  'MonitoringUpdate',
  'ErrorReset',
] as const;
export type ShadowState = (typeof STATES)[number];

const version = (description: string) => Type.String({ maxLength: 64, description });

export const HostPolicy = Type.Object(
  {
    lock: StringEnum(['Pin', 'Observe'], {
      description: 'Whether the agent may set settings.updates.version-lock while staging.',
    }),
    waves: StringEnum(['Respect', 'Ignore'], {
      description: "Whether the host follows Bottlerocket's own rollout waves.",
    }),
  },
  { description: 'How the agent treats settings of the host; also meaningful while Idle.' },
);

export const ShadowSpec = Type.Object(
  {
    state: StringEnum(STATES, { description: 'The state the agent is to drive the host to.' }),
    state_transition_timestamp: Type.Optional(
      Nullable(Time({ description: 'When the controller last changed `state`.' })),
    ),
    version: Type.Optional(Nullable(version('The version to update to, without "v". Null while Idle.'))),
    policy: Type.Optional(
      Nullable(
        Type.Object(
          {
            name: Type.String({ maxLength: 253, description: 'Name of the UpdatePolicy.' }),
            uid: Type.String({ maxLength: 64, description: 'UID of the UpdatePolicy.' }),
          },
          { description: 'The policy that owns this node until its slot is freed.' },
        ),
      ),
    ),
    attempt: Type.Optional(
      Type.Integer({ minimum: 0, description: 'Number of the attempt; only ever grows.' }),
    ),
    deadline: Type.Optional(
      Nullable(Time({ description: 'When the step that `state` asks for has to be done.' })),
    ),
    notAfter: Type.Optional(
      Nullable(
        Time({
          description:
            'No reboot intent is accepted from this instant on: the window closes or a blackout begins.',
        }),
      ),
    ),
    host: Type.Optional(HostPolicy),
    outcome: Type.Optional(
      Nullable(
        Type.Object(
          {
            attempt: Type.Integer({ minimum: 0, description: 'The attempt.' }),
            reason: Type.String({
              maxLength: 64,
              description: 'How it ended: a word of the list of reasons.',
            }),
            message: Type.String({ maxLength: 1024, description: 'The same for a person.' }),
          },
          { description: 'How the last attempt ended; written in the patch that sets the state to Idle.' },
        ),
      ),
    ),
  },
  {
    description: 'What the controller wants of the host.',
    ...withRules({
      rule: '!has(oldSelf.attempt) || (has(self.attempt) && self.attempt >= oldSelf.attempt)',
      message:
        'must not become smaller: a late write of an older attempt could start it again; leave it as it is',
      fieldPath: '.attempt',
    }),
  },
);

export const RebootIntent = Type.Object(
  {
    version: version('The version the host is to boot into.'),
    bootId: Type.String({ maxLength: 64, description: 'Boot id of the host before the reboot.' }),
    generation: Type.Integer({ description: 'Generation of the shadow the intent was accepted at.' }),
    at: Time({ description: "When the agent asked, by the host's clock." }),
  },
  { description: 'Written before the reboot is requested; the commit point of an attempt.' },
);

export const StagedImage = Type.Object(
  {
    version: version('The version that was verified to be in the inactive partition.'),
    attempt: Type.Integer({ description: 'The attempt it was staged for.' }),
    bootId: Type.String({ maxLength: 64, description: 'Boot id of the host at that time.' }),
    timestamp: Type.String({
      maxLength: 64,
      description: "The host's timestamp of the prepare command that wrote it.",
    }),
  },
  { description: 'What this agent staged, recorded before it is activated.' },
);

export const SavedSettings = Type.Object(
  {
    versionLock: Type.Optional(
      Nullable(
        Type.String({
          maxLength: 64,
          description: 'settings.updates.version-lock before ours; null = not saved.',
        }),
      ),
    ),
    versionLockSet: Type.Optional(
      Nullable(
        Type.String({ maxLength: 64, description: 'The value we set; restored only while it still stands.' }),
      ),
    ),
    ignoreWaves: Type.Optional(
      Nullable(Type.Boolean({ description: 'settings.updates.ignore-waves before ours; null = not saved.' })),
    ),
  },
  { description: 'Settings of the host that the agent changed, with what was there before.' },
);

/** Problems an agent reports, as stable codes; the first five are how an attempt ends (protocol 8). */
export const HOST_ERROR_CODES = [
  'StageFailed',
  'BootFallback',
  'UnexpectedVersion',
  'NotArmed',
  'RebootRefused',
  'RepositoryUnreachable',
  'HostUnreachable',
  'UnexpectedAnswer',
  'DisarmFailed',
] as const;
export type HostErrorCode = (typeof HOST_ERROR_CODES)[number];

export const HostReport = Type.Object(
  {
    uid: Type.Optional(
      Nullable(Type.String({ maxLength: 64, description: 'UID of the shadow the report was made for.' })),
    ),
    seq: Type.Integer({ minimum: 0, description: 'Number of this report; each is one more than the last.' }),
    generation: Type.Integer({ description: 'Generation of the shadow the agent had seen.' }),
    bootId: Type.String({ maxLength: 64, description: 'Boot id of the host.' }),
    agentVersion: Type.Optional(
      Nullable(Type.String({ maxLength: 64, description: 'Version of the agent.' })),
    ),
    variant: Type.Optional(
      Nullable(Type.String({ maxLength: 64, description: 'Variant of the image, such as aws-k8s-1.36.' })),
    ),
    arch: Type.Optional(Nullable(Type.String({ maxLength: 16, description: 'Architecture of the image.' }))),
    updateState: Type.Optional(
      Nullable(
        Type.String({
          maxLength: 200,
          description: "The host's own update state: Idle, Available, Staged, Ready.",
        }),
      ),
    ),
    available: Type.Optional(
      Nullable(
        Type.Array(Type.String({ maxLength: 64, description: 'One version.' }), {
          maxItems: 32,
          description: 'Versions the host may be updated to, newest first.',
        }),
      ),
    ),
    staged: Type.Optional(Nullable(StagedImage)),
    saved: Type.Optional(Nullable(SavedSettings)),
    rebootIntent: Type.Optional(Nullable(RebootIntent)),
    step: Type.Optional(
      Nullable(
        Type.String({
          maxLength: 64,
          description: 'What the agent is doing: Refresh, Prepare, Activate, Reboot, …',
        }),
      ),
    ),
    error: Type.Optional(
      Nullable(
        Type.Object(
          {
            code: StringEnum(HOST_ERROR_CODES, { description: 'What went wrong.' }),
            message: Type.String({ maxLength: 600, description: "The host's own words, cut." }),
            at: Time({ description: 'When it was seen.' }),
          },
          { description: 'The last problem; null when there is none.' },
        ),
      ),
    ),
    checkedAt: Type.Optional(
      Nullable(Time({ description: 'When the host last asked its repository with success.' })),
    ),
  },
  { description: 'What the agent knows of its host; replaced whole by every report.' },
);

export const Condition = Type.Object(
  {
    type: Type.String({ maxLength: 316, description: 'Type of the condition.' }),
    status: StringEnum(['True', 'False', 'Unknown'], { description: 'True, False or Unknown.' }),
    reason: Type.String({ maxLength: 1024, description: 'One word of the list of reasons.' }),
    message: Type.String({ maxLength: 4096, description: 'What it is about, for a person.' }),
    lastTransitionTime: Time({ description: 'When the status last changed.' }),
    observedGeneration: Type.Optional(Type.Integer({ description: 'The generation it was derived from.' })),
  },
  { description: 'A condition as in metav1.Condition.' },
);

export const ShadowStatus = Type.Object(
  {
    current_state: Type.Optional(
      Nullable(StringEnum(STATES, { description: 'The state the agent reported.' })),
    ),
    current_version: Type.Optional(Nullable(version('The version that is running.'))),
    target_version: Type.Optional(Nullable(version('The version the host would choose now.'))),
    crash_count: Type.Optional(
      Nullable(
        Type.Integer({
          minimum: 0,
          description: 'Attempts on this node that ended badly since the last success.',
        }),
      ),
    ),
    state_transition_failure_timestamp: Type.Optional(
      Nullable(Time({ description: 'When the last of them ended.' })),
    ),
    host: Type.Optional(Nullable(HostReport)),
    update: Type.Optional(
      Nullable(
        Type.Object(
          {
            reason: Type.String({
              maxLength: 64,
              description: 'Why the node is where it is: a word of the list of reasons.',
            }),
            message: Type.String({
              maxLength: 1024,
              description: 'The same for a person, naming what blocks and the remedy.',
            }),
            phase: Type.Optional(
              Nullable(
                Type.String({
                  maxLength: 32,
                  description: 'Part of the attempt: Staging, Draining, Rebooting, Verifying.',
                }),
              ),
            ),
            since: Type.Optional(Nullable(Time({ description: 'When this reason began.' }))),
          },
          { description: 'For display only: nothing is decided by it.' },
        ),
      ),
    ),
    backoff: Type.Optional(
      Nullable(
        Type.Object(
          {
            failures: Type.Integer({
              minimum: 0,
              description: 'Attempts in a row that ended with a back-off.',
            }),
            attempt: Type.Integer({
              minimum: 0,
              description: 'The last attempt counted, so that none is counted twice.',
            }),
            at: Time({ description: 'When the last of them ended.' }),
            until: Time({ description: 'No attempt before this instant.' }),
            reason: Type.String({ maxLength: 64, description: 'How the last one ended.' }),
          },
          { description: 'Back-off of this node: 10 minutes, doubling to 6 hours.' },
        ),
      ),
    ),
    conditions: Type.Optional(
      Nullable(
        Type.Array(Condition, {
          maxItems: 16,
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['type'],
          description: 'Conditions of the node.',
        }),
      ),
    ),
  },
  { description: 'What was reported and derived. Nothing in it is required.' },
);

export type ShadowSpec = Static<typeof ShadowSpec>;
export type ShadowStatus = Static<typeof ShadowStatus>;
export type HostReport = Static<typeof HostReport>;
/** What an agent says of its host; the API server adds the numbers of the report. */
export type HostFacts = Omit<HostReport, 'uid' | 'seq' | 'generation'>;
export type RebootIntent = Static<typeof RebootIntent>;
export type StagedImage = Static<typeof StagedImage>;
export type SavedSettings = Static<typeof SavedSettings>;
export type HostPolicy = Static<typeof HostPolicy>;
export type Condition = Static<typeof Condition>;

export interface BottlerocketShadow extends KubeObject {
  spec: ShadowSpec;
  status?: ShadowStatus;
}

export const BottlerocketShadows: Resource<BottlerocketShadow> = {
  group: GROUP,
  version: 'v2',
  plural: 'bottlerocketshadows',
  kind: 'BottlerocketShadow',
  namespaced: true,
};
