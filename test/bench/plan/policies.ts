/** Ten policies that differ in what costs time: windows, percentages, failure domains, selectors, version rules. */
import type { UpdatePolicySpec } from '../../../src/api/v1/updatepolicy.ts';

/** The label by which each policy selects its tenth of the nodes. */
export const GROUP_LABEL = 'bench.example.com/group';

/** A Saturday night: the windows of all but two policies are open. */
export const NOW_MS = Date.parse('2026-01-10T02:00:00Z');

const nights = { name: 'nights', schedule: '0 1 * * *', duration: '6h', timeZone: 'Europe/Paris' };

const SPECS: readonly UpdatePolicySpec[] = [
  { maxConcurrentUpdates: '100%' },
  { maxConcurrentUpdates: '10%', maintenanceWindows: [nights] },
  { maxConcurrentUpdates: 50, maxUnavailable: '20%' },
  { maxConcurrentUpdates: '5%', topology: { key: 'topology.kubernetes.io/zone', maxConcurrentUpdates: 10 } },
  { maxConcurrentUpdates: 30, version: { range: '>=1.40.0 <1.44.0', exclude: ['1.41.0', '1.43.1'] } },
  {
    maxConcurrentUpdates: '20%',
    maintenanceWindows: [
      nights,
      { name: 'sundays', schedule: '0 0 * * SUN', duration: '20h', timeZone: 'America/New_York' },
    ],
    blackoutWindows: [
      { name: 'month-end', schedule: '0 0 28 * *', duration: '96h', timeZone: 'Europe/London' },
    ],
  },
  { maxConcurrentUpdates: '10%', maintenanceWindows: [{ ...nights, schedule: '0 12 * * MON-FRI' }] },
  { mode: 'DryRun', maxConcurrentUpdates: '10%' },
  { mode: 'Paused', maxConcurrentUpdates: '10%' },
  {
    maxConcurrentUpdates: '10%',
    maxUnavailable: '15%',
    onClose: 'Finish',
    topology: { key: 'topology.kubernetes.io/zone', maxConcurrentUpdates: 200, maxDomains: 2 },
  },
];

export const GROUPS = SPECS.length;

export const specOf = (group: number): UpdatePolicySpec => ({
  ...SPECS[group],
  nodeSelector: { matchLabels: { [GROUP_LABEL]: `g${group}` } },
});
