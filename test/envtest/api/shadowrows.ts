/** BottlerocketShadows, and the status of both kinds, as they are accepted and refused. */
import { policy, shadow } from './row.ts';
import type { Row, Written } from './row.ts';

const accepts = (title: string, object: Written, extra: Partial<Row> = {}): Row => ({
  title,
  kind: 'BottlerocketShadow',
  object,
  refused: [],
  ...extra,
});
const refuses = (title: string, object: Written, ...refused: string[]): Row => ({
  ...accepts(title, object),
  refused,
});

const AT = '2026-11-21T02:00:00Z';
const idle = { state: 'Idle' };
const host = { seq: 1, generation: 1, bootId: 'b-1' };
const condition = { type: 'Ready', status: 'True', reason: 'Idle', message: 'Fine.', lastTransitionTime: AT };
const written = (status: unknown): Partial<Row> => ({
  status: true,
  old: shadow(idle),
  object: shadow(idle, status),
});

export const shadows: readonly Row[] = [
  accepts('the first write of a controller', shadow(idle)),
  accepts(
    'nulls as Brupop writes them',
    shadow({ state: 'Idle', version: null, state_transition_timestamp: null }),
  ),
  accepts(
    'a request of Brupop',
    shadow({
      state: 'StagedAndPerformedUpdate',
      version: '1.44.0',
      state_transition_timestamp: '2026-11-21T02:00:00.123456789+00:00',
    }),
  ),
  accepts(
    'a whole request of ours',
    shadow({
      state: 'RebootedIntoUpdate',
      version: '1.44.0',
      state_transition_timestamp: AT,
      policy: { name: 'workers', uid: 'u-1' },
      attempt: 4,
      deadline: AT,
      notAfter: null,
      host: { lock: 'Pin', waves: 'Respect' },
    }),
  ),
  refuses('no state', shadow({ version: '1.44.0' }), 'spec.state: Required value'),
  refuses(
    'a state of Brupop v1',
    shadow({ state: 'StagedUpdate' }),
    'spec.state: Unsupported value: "StagedUpdate"',
  ),
  refuses('a negative attempt', shadow({ ...idle, attempt: -1 }), 'spec.attempt: Invalid value: -1'),
  refuses(
    'a deadline that is no time',
    shadow({ ...idle, deadline: 'soon' }),
    'spec.deadline: Invalid value: "soon"',
  ),
  refuses(
    'half a policy',
    shadow({ ...idle, policy: { name: 'workers' } }),
    'spec.policy.uid: Required value',
  ),
  accepts('a later attempt', shadow({ ...idle, attempt: 5 }), { old: shadow({ ...idle, attempt: 4 }) }),
  accepts('the same attempt', shadow({ state: 'StagedAndPerformedUpdate', version: '1.44.0', attempt: 4 }), {
    old: shadow({ ...idle, attempt: 4 }),
  }),
  accepts('the first attempt', shadow({ ...idle, attempt: 1 }), { old: shadow(idle) }),
  {
    ...refuses(
      'an earlier attempt',
      shadow({ ...idle, attempt: 3 }),
      'spec.attempt: Invalid value: must not become smaller',
    ),
    old: shadow({ ...idle, attempt: 4 }),
  },
  {
    ...refuses(
      'an attempt that is forgotten',
      shadow(idle),
      'spec.attempt: Invalid value: must not become smaller',
    ),
    old: shadow({ ...idle, attempt: 4 }),
  },
];

export const statuses: readonly Row[] = [
  accepts(
    'a status of nulls',
    shadow(idle),
    written({
      current_state: null,
      current_version: null,
      target_version: null,
      crash_count: null,
      state_transition_failure_timestamp: null,
      host: null,
      update: null,
      backoff: null,
      conditions: null,
    }),
  ),
  accepts('a status that is null', shadow(idle), written(null)),
  accepts('an empty status', shadow(idle), written({})),
  accepts(
    'what the controller writes first',
    shadow(idle),
    written({
      crash_count: 0,
      update: { reason: 'NoPolicy', message: 'No UpdatePolicy selects the node.', phase: null, since: AT },
    }),
  ),
  accepts(
    'a report',
    shadow(idle),
    written({
      current_state: 'Idle',
      current_version: '1.42.0',
      target_version: '1.44.0',
      host: {
        ...host,
        staged: null,
        available: ['1.44.0'],
        error: { code: 'HostUnreachable', message: 'connect ECONNREFUSED', at: AT },
      },
    }),
  ),
  {
    ...refuses('a report without a boot id', shadow(idle), 'status.host.bootId: Required value'),
    ...written({ host: { seq: 1, generation: 1 } }),
  },
  {
    ...refuses(
      'an error with a code of its own',
      shadow(idle),
      'status.host.error.code: Unsupported value: "Oops"',
    ),
    ...written({ host: { ...host, error: { code: 'Oops', message: 'x', at: AT } } }),
  },
  {
    ...refuses(
      'a reported state that does not exist',
      shadow(idle),
      'status.current_state: Invalid value: "Rebooting": must be one of Idle, StagedAndPerformedUpdate',
    ),
    ...written({ current_state: 'Rebooting' }),
  },
  {
    ...refuses(
      'a message that is too long',
      shadow(idle),
      'status.update.message: Too long: may not be more than 1024 bytes',
    ),
    ...written({ update: { reason: 'Staging', message: 'x'.repeat(1025) } }),
  },
  {
    ...refuses(
      'the same condition twice',
      shadow(idle),
      'status.conditions[1]: Duplicate value: {"type":"Ready"}',
    ),
    ...written({ conditions: [condition, condition] }),
  },
  {
    title: 'a ledger of a policy',
    kind: 'UpdatePolicy',
    status: true,
    old: policy({}),
    object: policy(
      {},
      {
        status: {
          observedGeneration: 1,
          updating: [
            {
              node: 'n',
              uid: 'u',
              shadowUid: 's',
              version: '1.44.0',
              attempt: 1,
              phase: 'Reserved',
              since: AT,
            },
          ],
        },
      },
    ),
    refused: [],
  },
  {
    title: 'a slot in a phase that does not exist',
    kind: 'UpdatePolicy',
    status: true,
    old: policy({}),
    object: policy(
      {},
      {
        status: {
          updating: [
            { node: 'n', uid: 'u', shadowUid: 's', version: '1.44.0', attempt: 1, phase: 'Busy', since: AT },
          ],
        },
      },
    ),
    refused: ['status.updating[0].phase: Unsupported value: "Busy"'],
  },
  {
    title: 'counts that are incomplete',
    kind: 'UpdatePolicy',
    status: true,
    old: policy({}),
    object: policy({}, { status: { nodes: { selected: 1 } } }),
    refused: ['status.nodes.upToDate: Required value', 'status.nodes.excluded: Required value'],
  },
];
