/** What admission reads of a policy, a node and its shadow, as plain values. */
import type { BottlerocketShadow, HostReport, ShadowState } from '../api/v2/bottlerocketshadow.ts';
import type { UpdatePolicyStatus } from '../api/v1/updatepolicy.ts';
import type { NodeControls } from './annotations.ts';
import { block } from './block.ts';
import type { Block } from './block.ts';
import type { EffectivePolicy } from './effective.ts';
import type { FieldError } from './errors.ts';
import { durationText } from './duration.ts';
import { collect } from './errors.ts';
import { parseInstant } from './instant.ts';
import { describeErrors } from './validate.ts';
import type { HostVersions, VersionRules } from './versions.ts';
import type { CompiledWindows, WindowVerdict } from './windows.ts';
import type { Zone } from './zone.ts';

/** Why a policy is halted; status.halt. */
export type Halt = NonNullable<NonNullable<UpdatePolicyStatus['halt']>>;

export interface PolicyFacts {
  readonly name: string;
  readonly uid: string;
  readonly effective: EffectivePolicy;
  /** Everything validatePolicy found. */
  readonly errors: readonly FieldError[];
  /** Has a deletion timestamp. */
  readonly deleting: boolean;
  /** The halt that stands; undefined when there is none or it was resumed. */
  readonly halt: Halt | undefined;
  /** Undefined when the spec has an error. */
  readonly windows: CompiledWindows | undefined;
  readonly versions: VersionRules | undefined;
  /** The controller's clock is more than 30 s from that of kube-apiserver. */
  readonly clockWrong: boolean;
}

/** A policy at one instant. What is the same for all of its nodes is worked out here, once a plan. */
export interface PolicyState extends PolicyFacts {
  readonly now: number;
  /** Undefined when the spec has an error. */
  readonly window: WindowVerdict | undefined;
  readonly blocks: {
    readonly invalid: Block | undefined;
    readonly deleted: Block | undefined;
    readonly paused: Block | undefined;
    readonly clock: Block | undefined;
    /** WindowClosed or Blackout. */
    readonly window: Block | undefined;
    readonly minRemaining: Block | undefined;
    readonly halted: Block | undefined;
  };
}

/** The state of a policy at `now`. */
export function policyState(facts: PolicyFacts, now: number): PolicyState {
  const { name, effective, errors, deleting, halt, clockWrong } = facts;
  const window = facts.windows?.at(now);
  return {
    ...facts,
    now,
    window,
    blocks: {
      invalid:
        errors.length === 0
          ? undefined
          : block('PolicyInvalid', `Policy ${name} is invalid: ${describeErrors(errors)}.`),
      deleted: deleting ? block('PolicyDeleted', `Policy ${name} is being deleted.`) : undefined,
      paused: effective.mode === 'Paused' ? block('PolicyPaused', `Policy ${name} is paused.`) : undefined,
      clock: clockWrong
        ? block('ClockSkew', "The controller's clock and that of kube-apiserver differ by more than 30 s.")
        : undefined,
      window: window === undefined ? undefined : windowBlock(name, window, now),
      minRemaining:
        window === undefined ? undefined : minRemainingBlock(window, effective.minRemainingMs, now),
      halted: halt === undefined ? undefined : haltedBlock(name, halt),
    },
  };
}

function windowBlock(policy: string, window: WindowVerdict, now: number): Block | undefined {
  if (window.open) return undefined;
  const { name, nextOpensAt, zone } = window;
  const next =
    nextOpensAt === undefined
      ? 'No window opens any more.'
      : `The next window opens ${formatInstant(nextOpensAt, zone, now)}.`;
  if (!window.blackout) return block('WindowClosed', `Policy ${policy} has no window open. ${next}`);
  return block(
    'Blackout',
    `Blackout ${name === undefined ? '' : `${name} `}of policy ${policy} is on. ${next}`,
  );
}

/** Too little of an open window is left to start a node. */
export function minRemainingBlock(
  window: Pick<WindowVerdict, 'open' | 'closesAt' | 'zone'>,
  minRemainingMs: number,
  now: number,
): Block | undefined {
  const { open, closesAt, zone } = window;
  if (!open || closesAt === undefined || closesAt - now >= minRemainingMs) return undefined;
  return block(
    'MinRemaining',
    `The window closes ${formatInstant(closesAt, zone, now)}, which is less than ${durationText(minRemainingMs)} away.`,
  );
}

const haltedBlock = (policy: string, { reason, node, version, at }: Halt): Block =>
  block('Halted', `Policy ${policy} is halted since ${at}: ${reason} on node ${node} with ${version}.`);

const SIX_DAYS_MS = 6 * 86_400_000;

/** An instant for people, in a zone: `Sat 01:00 CET`, with the date when it is not within six days of `now`. */
export function formatInstant(instant: number, zone: Zone, now: number): string {
  const withDate = Math.abs(instant - now) >= SIX_DAYS_MS;
  return `${zone.wallClock(instant, withDate)} ${zone.abbreviation(instant)}`;
}

/** A node, as admission sees it. */
export interface NodeFacts {
  readonly name: string;
  readonly controls: NodeControls;
  readonly ready: boolean;
  /** Has a deletion timestamp. */
  readonly deleting: boolean;
  /** Somebody else's cordon is on it, under one of ours or alone. */
  readonly cordonedByOthers: boolean;
  /** The agent's pod on it is Ready. */
  readonly agentReady: boolean;
  /** The OS version, when it is too old to be driven. */
  readonly unsupportedVersion?: string | undefined;
  /** A running pod that drain.waitForPods selects, as namespace/name; asked only when nothing else blocks before it. */
  readonly waitingPod?: (() => string | undefined) | undefined;
  /** Undefined while the node has none. */
  readonly shadow: ShadowFacts | undefined;
}

export interface ShadowFacts extends HostVersions {
  readonly specState: ShadowState;
  /** Owner by spec.policy. */
  readonly owner: { readonly name: string; readonly uid: string } | undefined;
  /** The agent has reported for this shadow. */
  readonly reported: boolean;
  /** The host has asked its repository at least once, so that an empty offer means something. */
  readonly asked: boolean;
  readonly currentState: ShadowState | undefined;
  /** Something staged, saved or intended has not been undone on the host (protocol's hasLeftovers). */
  readonly leftovers: boolean;
  /** The host's own update state. */
  readonly updateState: string | undefined;
  readonly error: { readonly code: string; readonly message: string } | undefined;
  readonly backoff:
    | { readonly untilMs: number; readonly atMs: number; readonly failures: number; readonly reason: string }
    | undefined;
}

/** What it is offered it was told by its repository, whether or not when is recorded. */
const hasAsked = (host: HostReport | undefined): boolean =>
  typeof host?.checkedAt === 'string' || (host?.available ?? []).length > 0;

/** What admission reads of a shadow. @param leftovers `hasLeftovers` of the protocol. */
export function shadowFacts(shadow: BottlerocketShadow, leftovers: boolean): ShadowFacts {
  const { spec, status, metadata } = shadow;
  const host = status?.host ?? undefined;
  return {
    specState: spec.state,
    owner: spec.policy ?? undefined,
    reported: host !== undefined && (host.uid ?? metadata.uid) === metadata.uid,
    asked: hasAsked(host),
    currentState: status?.current_state ?? undefined,
    leftovers,
    updateState: host?.updateState ?? undefined,
    error: host?.error ?? undefined,
    backoff: backoffOf(shadow),
    current: status?.current_version,
    available: host?.available,
    chosen: status?.target_version,
  };
}

function backoffOf({ status }: BottlerocketShadow): ShadowFacts['backoff'] {
  const backoff = status?.backoff ?? undefined;
  if (backoff === undefined) return undefined;
  const atMs = collect([], { path: '', value: '' }, () => parseInstant(backoff.at));
  const untilMs = collect([], { path: '', value: '' }, () => parseInstant(backoff.until));
  if (atMs === undefined || untilMs === undefined) return undefined;
  return { atMs, untilMs, failures: backoff.failures, reason: backoff.reason };
}
