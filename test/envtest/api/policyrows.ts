/** UpdatePolicies that are accepted and refused, apart from their windows. */
import { accepts, policy, refuses } from './row.ts';
import type { Row } from './row.ts';

const NUMBER_OR_PERCENT = 'must be a whole number from 0 to 100000, without quotes, or a percentage';
const LABEL_KEY = 'must be a label key such as role or topology.kubernetes.io/zone';
const LABEL_VALUE = 'must be a label value';
const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

export const general: readonly Row[] = [
  accepts('an empty spec: every field has a default', {}),
  accepts('nulls for every field: all of them are as if absent', {
    mode: null,
    priority: null,
    nodeSelector: null,
    maxConcurrentUpdates: null,
    maxUnavailable: null,
    topology: null,
    interval: null,
    cordonedNodes: null,
    version: null,
    maintenanceWindows: null,
    blackoutWindows: null,
    minRemaining: null,
    onClose: null,
    drain: null,
    health: null,
    timeouts: null,
  }),
  accepts('nulls inside', {
    version: { range: null, exclude: null, waves: null, hostLock: null },
    drain: { timeout: null, gracePeriodSeconds: null, ignorePods: null, waitForPods: null },
    health: { stableFor: null },
    timeouts: { stage: null, reboot: null, verify: null },
  }),
  { title: 'no spec', kind: 'UpdatePolicy', object: policy(undefined), refused: ['spec: Required value'] },
  refuses('a spec that is a text', 'weekends', 'spec: Invalid value: "string"'),
  {
    title: 'a name that is no DNS name',
    kind: 'UpdatePolicy',
    object: policy({}, { metadata: { name: 'My_Policy' } }),
    refused: ['metadata.name: Invalid value: "My_Policy": a lowercase RFC 1123 subdomain'],
  },
  accepts('every mode: Paused', { mode: 'Paused' }),
  accepts('every mode: DryRun', { mode: 'DryRun' }),
  refuses(
    'a mode that does not exist',
    { mode: 'Off' },
    'spec.mode: Unsupported value: "Off": supported values: "Enabled", "Paused", "DryRun"',
  ),
  refuses('a mode in lower case', { mode: 'paused' }, 'spec.mode: Unsupported value: "paused"'),
  refuses(
    'a mode that is a number',
    { mode: 1 },
    'spec.mode: Invalid value: "integer"',
    'spec.mode: Unsupported value: 1',
  ),
  accepts('the highest priority', { priority: 1000 }),
  refuses(
    'a negative priority',
    { priority: -1 },
    'spec.priority: Invalid value: -1: spec.priority in body should be greater than or equal to 0',
  ),
  refuses(
    'a priority too high',
    { priority: 1001 },
    'spec.priority: Invalid value: 1001: spec.priority in body should be less than or equal to 1000',
  ),
  refuses('a priority that is no whole number', { priority: 1.5 }, 'spec.priority: Invalid value: "number"'),
  refuses('a priority in quotes', { priority: '10' }, 'spec.priority: Invalid value: "string"'),
];

export const amounts: readonly Row[] = [
  accepts('no node at a time', { maxConcurrentUpdates: 0 }),
  accepts('a percentage', { maxConcurrentUpdates: '25%' }),
  accepts('no limit', { maxConcurrentUpdates: '100%', maxUnavailable: '100%' }),
  accepts('none as a percentage', { maxConcurrentUpdates: '0%' }),
  refuses(
    'a negative number',
    { maxConcurrentUpdates: -1 },
    `spec.maxConcurrentUpdates: Invalid value: -1: ${NUMBER_OR_PERCENT}`,
  ),
  refuses(
    'a number beyond any cluster',
    { maxConcurrentUpdates: 100_001 },
    `spec.maxConcurrentUpdates: Invalid value: 100001: ${NUMBER_OR_PERCENT}`,
  ),
  refuses(
    'a number in quotes',
    { maxConcurrentUpdates: '5' },
    `spec.maxConcurrentUpdates: Invalid value: "5": ${NUMBER_OR_PERCENT}`,
  ),
  refuses(
    'more than all',
    { maxConcurrentUpdates: '101%' },
    `spec.maxConcurrentUpdates: Invalid value: "101%": ${NUMBER_OR_PERCENT}`,
  ),
  refuses(
    'a percentage with a fraction',
    { maxConcurrentUpdates: '2.5%' },
    `spec.maxConcurrentUpdates: Invalid value: "2.5%": ${NUMBER_OR_PERCENT}`,
  ),
  refuses(
    'a percentage with a leading zero',
    { maxConcurrentUpdates: '05%' },
    'spec.maxConcurrentUpdates: Invalid value: "05%"',
  ),
  refuses(
    'a percentage with a space',
    { maxConcurrentUpdates: '10 %' },
    'spec.maxConcurrentUpdates: Invalid value: "10 %"',
  ),
  refuses('a fraction', { maxConcurrentUpdates: 1.5 }, 'spec.maxConcurrentUpdates: Invalid value: "number"'),
  refuses('a boolean', { maxConcurrentUpdates: true }, 'spec.maxConcurrentUpdates: Invalid value: "boolean"'),
  refuses('an object', { maxConcurrentUpdates: {} }, 'spec.maxConcurrentUpdates: Invalid value: "object"'),
  accepts('none unavailable', { maxUnavailable: 0 }),
  refuses(
    'maxUnavailable above all',
    { maxUnavailable: '200%' },
    `spec.maxUnavailable: Invalid value: "200%": ${NUMBER_OR_PERCENT}`,
  ),
  refuses(
    'maxUnavailable negative',
    { maxUnavailable: -5 },
    `spec.maxUnavailable: Invalid value: -5: ${NUMBER_OR_PERCENT}`,
  ),
  accepts('one zone after the other', {
    topology: { key: 'topology.kubernetes.io/zone', maxConcurrentUpdates: 2, maxDomains: 1 },
  }),
  refuses('a topology without a key', { topology: { maxDomains: 1 } }, 'spec.topology.key: Required value'),
  refuses(
    'a topology with an empty key',
    { topology: { key: '' } },
    `spec.topology.key: Invalid value: "": ${LABEL_KEY}`,
  ),
  refuses(
    'a topology key that is no label key',
    { topology: { key: 'the zone' } },
    `spec.topology.key: Invalid value: "the zone": ${LABEL_KEY}`,
  ),
  refuses(
    'a topology that never lets a node start',
    { topology: { key: 'zone', maxConcurrentUpdates: 0 } },
    'spec.topology.maxConcurrentUpdates: Invalid value: 0: spec.topology.maxConcurrentUpdates in body should be greater than or equal to 1',
  ),
  refuses(
    'a topology cap in percent',
    { topology: { key: 'zone', maxConcurrentUpdates: '50%' } },
    'spec.topology.maxConcurrentUpdates: Invalid value: "string"',
  ),
  refuses(
    'a negative number of domains',
    { topology: { key: 'zone', maxDomains: -1 } },
    'spec.topology.maxDomains: Invalid value: -1',
  ),
];

export const selectors: readonly Row[] = [
  accepts('every operator', {
    nodeSelector: {
      matchLabels: { role: 'worker', 'example.com/tier': '' },
      matchExpressions: [
        { key: 'ring', operator: 'In', values: ['canary', 'early'] },
        { key: 'ring', operator: 'NotIn', values: ['late'] },
        { key: 'gpu', operator: 'DoesNotExist' },
        { key: 'topology.kubernetes.io/zone', operator: 'Exists', values: [] },
      ],
    },
  }),
  refuses(
    'In without values',
    { nodeSelector: { matchExpressions: [{ key: 'a', operator: 'In' }] } },
    'spec.nodeSelector.matchExpressions[0].values: Invalid value: In and NotIn need values',
  ),
  refuses(
    'NotIn with an empty list',
    { nodeSelector: { matchExpressions: [{ key: 'a', operator: 'NotIn', values: [] }] } },
    'spec.nodeSelector.matchExpressions[0].values: Invalid value: In and NotIn need values',
  ),
  refuses(
    'Exists with values',
    { nodeSelector: { matchExpressions: [{ key: 'a', operator: 'Exists', values: ['b'] }] } },
    'Exists and DoesNotExist take none',
  ),
  refuses(
    'an operator of node affinity',
    { nodeSelector: { matchExpressions: [{ key: 'a', operator: 'Gt', values: ['1'] }] } },
    'spec.nodeSelector.matchExpressions[0].operator: Unsupported value: "Gt"',
  ),
  refuses(
    'a term without key and operator',
    { nodeSelector: { matchExpressions: [{}] } },
    'spec.nodeSelector.matchExpressions[0].key: Required value',
    'spec.nodeSelector.matchExpressions[0].operator: Required value',
  ),
  refuses(
    'a key with a space',
    { nodeSelector: { matchLabels: { 'node role': 'a' } } },
    'spec.nodeSelector.matchLabels: Invalid value: keys must be label keys',
  ),
  refuses(
    'a key of a term with two slashes',
    { nodeSelector: { matchExpressions: [{ key: 'a/b/c', operator: 'Exists' }] } },
    `spec.nodeSelector.matchExpressions[0].key: Invalid value: "a/b/c": ${LABEL_KEY}`,
  ),
  refuses(
    'a value with a slash',
    { nodeSelector: { matchLabels: { role: 'a/b' } } },
    `spec.nodeSelector.matchLabels[role]: Invalid value: "a/b": ${LABEL_VALUE}`,
  ),
  refuses(
    'a value of a term with a space',
    { nodeSelector: { matchExpressions: [{ key: 'a', operator: 'In', values: ['b c'] }] } },
    `spec.nodeSelector.matchExpressions[0].values[0]: Invalid value: "b c": ${LABEL_VALUE}`,
  ),
  refuses(
    'a value that is true, not "true"',
    { nodeSelector: { matchLabels: { spot: true } } },
    'Invalid value: "boolean"',
  ),
  refuses(
    'a value that is too long',
    { nodeSelector: { matchLabels: { role: 'x'.repeat(64) } } },
    'Too long: may not be more than 63 bytes',
  ),
  refuses(
    'too many terms',
    { nodeSelector: { matchExpressions: many(33, (index) => ({ key: `k${index}`, operator: 'Exists' })) } },
    'spec.nodeSelector.matchExpressions: Too many: 33: must have at most 32 items',
  ),
  refuses(
    'too many labels',
    { nodeSelector: { matchLabels: Object.fromEntries(many(33, (index) => [`k${index}`, 'v'])) } },
    'spec.nodeSelector.matchLabels: Too many: 33: must have at most 32 items',
  ),
  refuses(
    'a selector in the text form of kubectl',
    { nodeSelector: 'role=worker' },
    'spec.nodeSelector: Invalid value: "string"',
  ),
];

export const versions: readonly Row[] = [
  accepts('a pin', { version: { range: '1.44.0', exclude: ['1.43.0', '1.44.0-rc.1', '1.44.0+build.5'] } }),
  accepts('no waves, with the lock', { version: { waves: 'Ignore', hostLock: 'Pin' } }),
  accepts('a host that keeps its settings', { version: { hostLock: 'Observe' } }),
  refuses(
    'no waves without writing settings',
    { version: { waves: 'Ignore', hostLock: 'Observe' } },
    'spec.version.waves: Invalid value: Ignore has to write a setting of the host, which hostLock: Observe forbids; set hostLock to Pin, or waves to Respect',
  ),
  refuses(
    'an empty range',
    { version: { range: '' } },
    'spec.version.range: Invalid value: "": spec.version.range in body should be at least 1 chars long',
  ),
  refuses(
    'a range that is a number',
    { version: { range: 1.44 } },
    'spec.version.range: Invalid value: "number"',
  ),
  refuses(
    'an excluded version with v',
    { version: { exclude: ['v1.44.0'] } },
    'spec.version.exclude[0]: Invalid value: "v1.44.0": must be a whole version such as 1.44.0, without "v"',
  ),
  refuses(
    'an excluded range',
    { version: { exclude: ['1.40.0', '1.x'] } },
    'spec.version.exclude[1]: Invalid value: "1.x": must be a whole version',
  ),
  refuses(
    'too many excluded versions',
    { version: { exclude: many(33, (index) => `1.${index}.0`) } },
    'spec.version.exclude: Too many: 33: must have at most 32 items',
  ),
  refuses(
    'a lock that does not exist',
    { version: { hostLock: 'Never' } },
    'spec.version.hostLock: Unsupported value: "Never": supported values: "Pin", "Observe"',
  ),
];

export const steps: readonly Row[] = [
  accepts('every duration form', {
    interval: '1h30m',
    minRemaining: '0s',
    drain: { timeout: '90s' },
    health: { stableFor: '1500ms' },
    timeouts: { stage: '0.5h', reboot: '600s', verify: '1h' },
  }),
  refuses(
    'a duration without a unit',
    { interval: '90' },
    'spec.interval: Invalid value: "90": must be a duration such as 90s, 15m or 1h30m',
  ),
  refuses('a duration that is a number', { interval: 90 }, 'spec.interval: Invalid value: "integer"'),
  refuses('a duration in days', { interval: '2d' }, 'spec.interval: Invalid value: "2d": must be a duration'),
  refuses(
    'a negative duration',
    { minRemaining: '-5m' },
    'spec.minRemaining: Invalid value: "-5m": must be a duration',
  ),
  refuses(
    'an empty duration',
    { drain: { timeout: '' } },
    'spec.drain.timeout: Invalid value: "": must be a duration',
  ),
  refuses(
    'a duration with a space',
    { health: { stableFor: '2 m' } },
    'spec.health.stableFor: Invalid value: "2 m": must be a duration',
  ),
  refuses(
    'a rest of more than a week',
    { interval: '169h' },
    'spec.interval: Invalid value: "169h": must be from 0s to 168h',
  ),
  refuses(
    'a duration that no clock can count',
    { interval: '999999h999999h999999h' },
    'spec.interval: Too long: may not be more than 20 bytes',
  ),
  refuses(
    'a drain without time',
    { drain: { timeout: '0s' } },
    'spec.drain.timeout: Invalid value: "0s": must be from 1s to 24h',
  ),
  refuses(
    'a reboot that nobody can meet',
    { timeouts: { reboot: '5s' } },
    'spec.timeouts.reboot: Invalid value: "5s": must be from 10s to 24h',
  ),
  refuses(
    'verify shorter than stableFor',
    { health: { stableFor: '20m' } },
    'spec.timeouts.verify: Invalid value: must be longer than spec.health.stableFor, else no node could ever pass',
  ),
  refuses(
    'verify as long as stableFor',
    { health: { stableFor: '10m' }, timeouts: { verify: '600s' } },
    'spec.timeouts.verify: Invalid value: must be longer than spec.health.stableFor',
  ),
  refuses(
    'a way to go on that does not exist yet',
    { drain: { onTimeout: 'Quarantine' } },
    'spec.drain.onTimeout: Unsupported value: "Quarantine": supported values: "Requeue"',
  ),
  refuses(
    'a negative grace period',
    { drain: { gracePeriodSeconds: -1 } },
    'spec.drain.gracePeriodSeconds: Invalid value: -1',
  ),
  refuses(
    'a grace period with a unit',
    { drain: { gracePeriodSeconds: '30s' } },
    'spec.drain.gracePeriodSeconds: Invalid value: "string"',
  ),
  accepts('pods to leave and pods to wait for', {
    drain: {
      ignorePods: { matchLabels: { app: 'log-shipper' } },
      waitForPods: { matchExpressions: [{ key: 'job-name', operator: 'Exists' }] },
    },
  }),
  refuses(
    'an empty selector of pods to leave',
    { drain: { ignorePods: {} } },
    'spec.drain.ignorePods: Invalid value: an empty selector selects every pod, so that nothing would be drained',
  ),
  refuses(
    'an empty selector of pods to wait for',
    { drain: { waitForPods: { matchLabels: {}, matchExpressions: [] } } },
    'spec.drain.waitForPods: Invalid value: an empty selector selects every pod, so that no node would ever start',
  ),
  refuses(
    'a way to treat cordoned nodes that does not exist',
    { cordonedNodes: 'Uncordon' },
    'spec.cordonedNodes: Unsupported value: "Uncordon": supported values: "Skip", "Include"',
  ),
  refuses(
    'an end of the window that does not exist',
    { onClose: 'Kill' },
    'spec.onClose: Unsupported value: "Kill": supported values: "Finish", "StopBeforeReboot"',
  ),
];
