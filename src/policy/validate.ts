/** Everything about a policy that only code can check, with the path of the field and the remedy. */
import type {
  BlackoutWindow,
  MaintenanceWindow,
  UpdatePolicy,
  UpdatePolicySpec,
} from '../api/v1/updatepolicy.ts';
import { policyControls } from './annotations.ts';
import { resolveLimit } from './budget.ts';
import { parseCron } from './cron.ts';
import { durationText, parseDuration } from './duration.ts';
import { withDefaults } from './effective.ts';
import { collect } from './errors.ts';
import type { FieldError } from './errors.ts';
import { parseInstant } from './instant.ts';
import { labelKeyProblem, selectorErrors } from './selector.ts';
import { parseExclude, parseRange } from './versions.ts';
import { parseZone } from './zone.ts';

const MIN_WINDOW_MS = 15 * 60_000;
const MAX_WINDOW_MS = 168 * 3_600_000;

/**
 * What is wrong with a policy; a policy with any error starts nothing.
 *
 * @param now for the annotation `resume`, which may not be in the future.
 */
export function validatePolicy(policy: UpdatePolicy, now: number): FieldError[] {
  return [...specErrors(policy.spec), ...policyControls(policy.metadata.annotations, now).errors];
}

/** What is wrong with the spec of a policy, whatever the time. */
export function specErrors(spec: UpdatePolicySpec): FieldError[] {
  const errors: FieldError[] = [];
  errors.push(...selectorErrors(spec.nodeSelector, 'spec.nodeSelector'));
  errors.push(...selectorErrors(spec.drain?.ignorePods, 'spec.drain.ignorePods'));
  errors.push(...selectorErrors(spec.drain?.waitForPods, 'spec.drain.waitForPods'));
  limitErrors(spec, errors);
  topologyErrors(spec, errors);
  durationErrors(spec, errors);
  versionErrors(spec, errors);
  verifyErrors(spec, errors);
  const { minRemainingMs } = withDefaults(spec);
  for (const [index, window] of (spec.maintenanceWindows ?? []).entries())
    windowErrors(window, { path: `spec.maintenanceWindows[${index}]`, minRemainingMs }, errors);
  for (const [index, blackout] of (spec.blackoutWindows ?? []).entries())
    blackoutErrors(blackout, `spec.blackoutWindows[${index}]`, errors);
  return errors;
}

/** The errors in one text: `path: message; path: message`. */
export const describeErrors = (errors: readonly FieldError[]): string =>
  errors.map(({ path, message }) => `${path}: ${message}`).join('; ');

function limitErrors(spec: UpdatePolicySpec, errors: FieldError[]): void {
  for (const field of ['maxConcurrentUpdates', 'maxUnavailable'] as const) {
    const value = spec[field];
    if (value !== undefined && value !== null)
      collect(errors, { path: `spec.${field}`, value }, () => resolveLimit(value, 0));
  }
}

function topologyErrors({ topology }: UpdatePolicySpec, errors: FieldError[]): void {
  if (topology === undefined || topology === null) return;
  const message = labelKeyProblem(topology.key);
  if (message !== undefined) errors.push({ path: 'spec.topology.key', value: topology.key, message });
}

function durationErrors(spec: UpdatePolicySpec, errors: FieldError[]): void {
  const fields: [string, string | undefined][] = [
    ['spec.interval', spec.interval],
    ['spec.minRemaining', spec.minRemaining],
    ['spec.drain.timeout', spec.drain?.timeout],
    ['spec.health.stableFor', spec.health?.stableFor],
    ['spec.timeouts.stage', spec.timeouts?.stage],
    ['spec.timeouts.reboot', spec.timeouts?.reboot],
    ['spec.timeouts.verify', spec.timeouts?.verify],
  ];
  for (const [path, value] of fields) {
    if (value === undefined) continue;
    const ms = collect(errors, { path, value }, () => parseDuration(value));
    if (ms === 0 && NEVER_ZERO.has(path))
      errors.push({ path, value, message: `"${value}" leaves no time at all: use more than 0s` });
  }
}

/** Time limits: with nothing in them every attempt would fail. */
const NEVER_ZERO = new Set([
  'spec.drain.timeout',
  'spec.timeouts.stage',
  'spec.timeouts.reboot',
  'spec.timeouts.verify',
]);

function verifyErrors(spec: UpdatePolicySpec, errors: FieldError[]): void {
  const { health, timeouts } = withDefaults(spec);
  if (timeouts.verifyMs > health.stableForMs) return;
  errors.push({
    path: 'spec.timeouts.verify',
    value: spec.timeouts?.verify,
    message: `${durationText(timeouts.verifyMs)} is not longer than spec.health.stableFor (${durationText(health.stableForMs)}), so no node could ever pass: raise it, or lower spec.health.stableFor`,
  });
}

function versionErrors({ version }: UpdatePolicySpec, errors: FieldError[]): void {
  if (version?.range !== undefined) {
    const { range } = version;
    collect(errors, { path: 'spec.version.range', value: range }, () => parseRange(range));
  }
  for (const [index, value] of (version?.exclude ?? []).entries())
    collect(errors, { path: `spec.version.exclude[${index}]`, value }, () => parseExclude(value));
  if (version?.waves === 'Ignore' && version.hostLock === 'Observe')
    errors.push({
      path: 'spec.version.waves',
      value: 'Ignore',
      message:
        'Ignore writes a setting of the host, which hostLock Observe never does: use Respect, or hostLock Pin',
    });
}

interface Recurring {
  schedule?: string;
  duration?: string;
  timeZone?: string;
}

/** Reads what a maintenance window and a recurring blackout share; returns the length, when it can be read. */
function recurringErrors(window: Recurring, path: string, errors: FieldError[]): number | undefined {
  const { schedule = '', duration = '', timeZone } = window;
  collect(errors, { path: `${path}.schedule`, value: schedule }, () => parseCron(schedule));
  if (timeZone !== undefined)
    collect(errors, { path: `${path}.timeZone`, value: timeZone }, () => parseZone(timeZone));
  return collect(errors, { path: `${path}.duration`, value: duration }, () => parseDuration(duration));
}

function windowErrors(
  window: MaintenanceWindow,
  { path, minRemainingMs }: { path: string; minRemainingMs: number },
  errors: FieldError[],
): void {
  const durationMs = recurringErrors(window, path, errors);
  if (durationMs === undefined) return;
  const at = { path: `${path}.duration`, value: window.duration };
  if (durationMs < MIN_WINDOW_MS || durationMs > MAX_WINDOW_MS)
    errors.push({ ...at, message: `"${window.duration}" is out of range: use 15m to 168h` });
  else if (durationMs <= minRemainingMs)
    errors.push({
      ...at,
      message: `"${window.duration}" is not longer than spec.minRemaining (${durationText(minRemainingMs)}), so no node could ever start: make the window longer or spec.minRemaining shorter`,
    });
}

function blackoutErrors(blackout: BlackoutWindow, path: string, errors: FieldError[]): void {
  const fixed = blackout.from !== undefined || blackout.until !== undefined;
  const recurring =
    blackout.schedule !== undefined || blackout.duration !== undefined || blackout.timeZone !== undefined;
  if (fixed === recurring)
    errors.push({
      path,
      value: blackout,
      message:
        'write exactly one of from and until, or schedule and duration (with timeZone, when it is not UTC)',
    });
  else if (fixed) fixedErrors(blackout, path, errors);
  else recurringBlackoutErrors(blackout, path, errors);
}

function fixedErrors({ from = '', until = '' }: BlackoutWindow, path: string, errors: FieldError[]): void {
  const fromMs = collect(errors, { path: `${path}.from`, value: from }, () => parseInstant(from));
  const untilMs = collect(errors, { path: `${path}.until`, value: until }, () => parseInstant(until));
  if (fromMs !== undefined && untilMs !== undefined && fromMs >= untilMs)
    errors.push({
      path: `${path}.until`,
      value: until,
      message: `"${until}" is not after from ("${from}"): the blackout would be empty`,
    });
}

function recurringBlackoutErrors(blackout: BlackoutWindow, path: string, errors: FieldError[]): void {
  const durationMs = recurringErrors(blackout, path, errors);
  if (durationMs === undefined || (durationMs > 0 && durationMs <= MAX_WINDOW_MS)) return;
  errors.push({
    path: `${path}.duration`,
    value: blackout.duration,
    message: `"${blackout.duration ?? ''}" is out of range: use more than 0s and at most 168h`,
  });
}
