/** A policy as the code works with it: every default filled in, every duration in ms. */
import type { LabelSelector } from '../api/core.ts';
import { UpdatePolicySpec } from '../api/v1/updatepolicy.ts';
import type { BlackoutWindow } from '../api/v1/updatepolicy.ts';
import { parseDuration } from './duration.ts';
import { PolicyTextError } from './errors.ts';
import { parseInstant } from './instant.ts';

export type PolicyMode = 'Enabled' | 'Paused' | 'DryRun';

/** A recurring window: a maintenance window, or a blackout that recurs. */
export interface EffectiveWindow {
  readonly name: string | undefined;
  /** Five-field cron text. */
  readonly schedule: string;
  readonly durationMs: number;
  /** IANA name. */
  readonly timeZone: string;
}

export type EffectiveBlackout =
  | ({ readonly kind: 'recurring' } & EffectiveWindow)
  | {
      readonly kind: 'fixed';
      readonly name: string | undefined;
      readonly fromMs: number;
      readonly untilMs: number;
    };

export interface EffectiveTopology {
  /** Node label that names the failure domain. */
  readonly key: string;
  readonly maxConcurrentUpdates: number;
  /** 0 = any number. */
  readonly maxDomains: number;
}

export interface EffectivePolicy {
  readonly mode: PolicyMode;
  readonly priority: number;
  readonly nodeSelector: LabelSelector;
  /** A number or a percentage; see budget.ts. */
  readonly maxConcurrentUpdates: number | string;
  /** Null = not limited. */
  readonly maxUnavailable: number | string | null;
  readonly topology: EffectiveTopology | null;
  readonly intervalMs: number;
  readonly cordonedNodes: 'Skip' | 'Include';
  readonly version: {
    readonly range: string;
    readonly exclude: readonly string[];
    readonly waves: 'Respect' | 'Ignore';
    readonly hostLock: 'Pin' | 'Observe';
  };
  readonly maintenanceWindows: readonly EffectiveWindow[];
  readonly blackoutWindows: readonly EffectiveBlackout[];
  readonly minRemainingMs: number;
  readonly onClose: 'Finish' | 'StopBeforeReboot';
  readonly drain: {
    readonly timeoutMs: number;
    readonly onTimeout: 'Requeue';
    /** Null = each pod's own. */
    readonly gracePeriodSeconds: number | null;
    readonly ignorePods: LabelSelector | null;
    readonly waitForPods: LabelSelector | null;
  };
  readonly health: { readonly stableForMs: number };
  readonly timeouts: { readonly stageMs: number; readonly rebootMs: number; readonly verifyMs: number };
}

/** What of a schema the filling-in of defaults reads. */
interface Defaulted {
  default?: unknown;
  properties?: Record<string, Defaulted>;
  items?: Defaulted;
}

/** The value with the `default`s of its schema filled in where nothing is written; `null` means the same. */
function fillIn(schema: Defaulted, value: unknown): unknown {
  const absent = value === undefined || (value === null && schema.default !== undefined);
  const given = absent ? structuredClone(schema.default) : value;
  if (given === undefined || given === null) return given;
  if (Array.isArray(given)) {
    const { items } = schema;
    return items === undefined ? given : given.map((item) => fillIn(items, item));
  }
  if (typeof given !== 'object' || schema.properties === undefined) return given;
  const filled: Record<string, unknown> = { ...given };
  for (const [name, property] of Object.entries(schema.properties)) {
    const inner = fillIn(property, filled[name]);
    if (inner !== undefined) filled[name] = inner;
  }
  return filled;
}

/** Every field that has a default is there. */
type Filled = Required<UpdatePolicySpec> & {
  topology: EffectiveTopology | null | undefined;
  version: Required<NonNullable<UpdatePolicySpec['version']>>;
  drain: Required<NonNullable<UpdatePolicySpec['drain']>>;
  health: Required<NonNullable<UpdatePolicySpec['health']>>;
  timeouts: Required<NonNullable<UpdatePolicySpec['timeouts']>>;
};

const filledIn = (spec: UpdatePolicySpec): Filled => fillIn(UpdatePolicySpec as Defaulted, spec) as Filled;

/** What a policy with an empty spec is; what a text that cannot be read falls back to. */
const defaults = filledIn({});

/**
 * The policy with its defaults, which are those of the schema and so of the CRD. Total: a duration that cannot be
 * read counts as its default and a window that cannot be read is left out, because a policy with an error starts
 * nothing (`validatePolicy`) but nodes in flight still need its time limits.
 */
export function withDefaults(spec: UpdatePolicySpec): EffectivePolicy {
  const filled = filledIn(spec);
  const { drain, timeouts, version, topology } = filled;
  return {
    mode: filled.mode,
    priority: filled.priority,
    nodeSelector: filled.nodeSelector ?? {},
    maxConcurrentUpdates: filled.maxConcurrentUpdates,
    maxUnavailable: filled.maxUnavailable ?? null,
    topology:
      topology === null || topology === undefined
        ? null
        : {
            key: topology.key,
            maxConcurrentUpdates: topology.maxConcurrentUpdates,
            maxDomains: topology.maxDomains,
          },
    intervalMs: readMs(filled.interval, defaults.interval),
    cordonedNodes: filled.cordonedNodes,
    version: {
      range: version.range,
      exclude: version.exclude,
      waves: version.waves,
      hostLock: version.hostLock,
    },
    maintenanceWindows: filled.maintenanceWindows.flatMap(readWindow),
    blackoutWindows: filled.blackoutWindows.flatMap(readBlackout),
    minRemainingMs: readMs(filled.minRemaining, defaults.minRemaining),
    onClose: filled.onClose,
    drain: {
      timeoutMs: readMs(drain.timeout, defaults.drain.timeout),
      onTimeout: drain.onTimeout,
      gracePeriodSeconds: drain.gracePeriodSeconds ?? null,
      ignorePods: drain.ignorePods ?? null,
      waitForPods: drain.waitForPods ?? null,
    },
    health: { stableForMs: readMs(filled.health.stableFor, defaults.health.stableFor) },
    timeouts: {
      stageMs: readMs(timeouts.stage, defaults.timeouts.stage),
      rebootMs: readMs(timeouts.reboot, defaults.timeouts.reboot),
      verifyMs: readMs(timeouts.verify, defaults.timeouts.verify),
    },
  };
}

/** What `read` returns; undefined for a text that cannot be read. */
function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof PolicyTextError) return undefined;
    throw error;
  }
}

const readMs = (text: string, fallback: string): number =>
  readable(() => parseDuration(text)) ?? parseDuration(fallback);

interface WrittenWindow {
  name?: string;
  schedule?: string;
  duration?: string;
  timeZone?: string;
}

function readWindow({ name, schedule, duration, timeZone = 'UTC' }: WrittenWindow): EffectiveWindow[] {
  if (schedule === undefined || duration === undefined) return [];
  const durationMs = readable(() => parseDuration(duration));
  return durationMs === undefined ? [] : [{ name, schedule, durationMs, timeZone }];
}

function readBlackout(blackout: BlackoutWindow): EffectiveBlackout[] {
  const { name, from, until } = blackout;
  if (from === undefined || until === undefined)
    return readWindow(blackout).map((window) => ({ kind: 'recurring', ...window }));
  const fixed = readable(() => ({ fromMs: parseInstant(from), untilMs: parseInstant(until) }));
  return fixed === undefined ? [] : [{ kind: 'fixed', name, ...fixed }];
}
