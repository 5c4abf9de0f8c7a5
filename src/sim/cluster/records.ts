/** Rules of Leases and Events, the two kinds whose instants have exactly six digits after the second. */
import { type Cause, invalidField, requiredField } from './errors.ts';
import { atPath, sameJson } from './json.ts';
import { isQualifiedName } from './metadata.ts';
import type { ApiObject } from './object.ts';

const MICRO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/;

/** Why one of the instants at `paths` cannot be read; undefined when all can. */
function microTimeProblem(object: ApiObject, paths: readonly string[]): string | undefined {
  const wrong = paths
    .map((path) => atPath(object, path))
    .find(
      (value) =>
        value !== undefined && value !== null && !(typeof value === 'string' && MICRO_TIME.test(value)),
    );
  return wrong === undefined
    ? undefined
    : `parsing time ${JSON.stringify(wrong)} as "2006-01-02T15:04:05.000000Z07:00": cannot parse`;
}

export const leaseDecodeProblem = (lease: ApiObject): string | undefined =>
  microTimeProblem(lease, ['spec.acquireTime', 'spec.renewTime']);

export function leaseProblems(lease: ApiObject): Cause[] {
  const duration = atPath(lease, 'spec.leaseDurationSeconds');
  const transitions = atPath(lease, 'spec.leaseTransitions');
  return [
    ...(typeof duration === 'number' && duration <= 0
      ? [invalidField('spec.leaseDurationSeconds', duration, 'must be greater than 0')]
      : []),
    ...(typeof transitions === 'number' && transitions < 0
      ? [invalidField('spec.leaseTransitions', transitions, 'must be greater than or equal to 0')]
      : []),
  ];
}

export const eventDecodeProblem = (event: ApiObject): string | undefined =>
  microTimeProblem(event, ['eventTime', 'series.lastObservedTime']);

const EVENT_REQUIRED: readonly [path: string, max: number][] = [
  ['reportingController', 253],
  ['reportingInstance', 128],
  ['action', 128],
  ['reason', 128],
];
const EVENT_NOTE_MAX = 1024;
/** Once is no series. */
const MIN_SERIES = 2;
/** Of an event that exists, only `series` and what counts repetitions may change. */
const EVENT_FIXED = [
  'regarding',
  'reason',
  'note',
  'eventTime',
  'reportingController',
  'reportingInstance',
  'action',
  'type',
];

export function eventProblems(event: ApiObject, old?: ApiObject): Cause[] {
  const count = atPath(event, 'series.count');
  if (typeof count === 'number' && count < MIN_SERIES)
    return [invalidField('series.count', '', `should be at least ${MIN_SERIES}`)];
  if (old !== undefined)
    return EVENT_FIXED.filter((field) => !sameJson(event[field], old[field])).map((field) =>
      invalidField(field === 'note' ? 'message' : field, event[field], 'field is immutable'),
    );
  const missing = event['eventTime'] === undefined ? [requiredField('eventTime')] : [];
  const texts = EVENT_REQUIRED.flatMap(([field, max]) => textProblems(field, event[field], max));
  const note = typeof event['note'] === 'string' ? event['note'] : '';
  return [
    ...missing,
    ...texts,
    ...controllerProblems(event['reportingController']),
    ...(note.length > EVENT_NOTE_MAX
      ? [invalidField('message', '', `can have at most ${EVENT_NOTE_MAX} characters`)]
      : []),
    ...(['Normal', 'Warning'].includes(String(event['type']))
      ? []
      : [invalidField('type', event['type'] ?? '', 'has invalid value')]),
    ...regardingProblems(event),
  ];
}

const controllerProblems = (name: unknown): Cause[] =>
  isQualifiedName(name) ? [] : [invalidField('reportingController', name, 'not a qualified name')];

function textProblems(field: string, value: unknown, max: number): Cause[] {
  if (typeof value !== 'string' || value === '') return [requiredField(field)];
  return value.length > max ? [invalidField(field, '', `can have at most ${max} characters`)] : [];
}

/** An event about something without a namespace lies in `default` or `kube-system`; any other lies where it likes. */
function regardingProblems(event: ApiObject): Cause[] {
  const about = atPath(event, 'regarding.namespace') ?? '';
  const { namespace = '' } = event.metadata;
  const fits = about !== '' || ['default', 'kube-system'].includes(namespace);
  return fits ? [] : [invalidField('involvedObject.namespace', about, 'does not match event.namespace')];
}
