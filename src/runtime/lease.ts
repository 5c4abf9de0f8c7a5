/** The Lease object of a leader election: what is written to it and how long what is read in it counts. */
import { rfc3339Micro } from './clock.ts';
import type { KubeObject, Resource } from './kubernetes.ts';

/** The fields of coordination.k8s.io/v1 LeaseSpec. */
export interface LeaseSpec {
  holderIdentity?: string | null;
  leaseDurationSeconds?: number | null;
  acquireTime?: string | null;
  renewTime?: string | null;
  leaseTransitions?: number | null;
}

export interface LeaseObject extends KubeObject {
  spec?: LeaseSpec;
}

export const LeaseResource: Resource<LeaseObject> = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};

/** A record as we saw it, and when we saw it change. */
export interface ObservedLease {
  readonly spec: LeaseSpec;
  readonly resourceVersion: string;
  /** Monotonic time at which we learnt of this state; other machines' clocks play no part. */
  readonly changedAtMs: number;
}

/** What is known after reading `lease` at `nowMs`: an unchanged record keeps the time of its change. */
export function observe(before: ObservedLease | undefined, lease: LeaseObject, nowMs: number): ObservedLease {
  const spec = lease.spec ?? {};
  const unchanged = before !== undefined && sameRecord(before.spec, spec);
  return {
    spec,
    resourceVersion: lease.metadata.resourceVersion ?? '',
    changedAtMs: unchanged ? before.changedAtMs : nowMs,
  };
}

const RECORD_FIELDS = [
  'holderIdentity',
  'leaseDurationSeconds',
  'acquireTime',
  'renewTime',
  'leaseTransitions',
] as const;

const sameRecord = (a: LeaseSpec, b: LeaseSpec): boolean =>
  RECORD_FIELDS.every((field) => (a[field] ?? null) === (b[field] ?? null));

/** Who holds it; undefined when it was released. */
export const holderOf = (spec: LeaseSpec): string | undefined =>
  spec.holderIdentity === null || spec.holderIdentity === '' ? undefined : spec.holderIdentity;

/**
 * How long, in milliseconds, `identity` must still leave the lease alone; 0 when it may take it.
 * @param leaseDurationMs ours; the holder's own counts when it is longer
 */
export function leftMs(
  observed: ObservedLease,
  identity: string,
  at: { nowMs: number; leaseDurationMs: number },
): number {
  const holder = holderOf(observed.spec);
  if (holder === undefined || holder === identity) return 0;
  const durationMs = Math.max(at.leaseDurationMs, (observed.spec.leaseDurationSeconds ?? 0) * 1_000);
  return Math.max(0, observed.changedAtMs + durationMs - at.nowMs);
}

/** The record by which `identity` takes or renews the lease. `wallMs` is for people; nobody decides by it. */
export function claim(
  before: LeaseSpec | undefined,
  identity: string,
  at: { wallMs: number; leaseDurationMs: number },
): LeaseSpec {
  const renewal = before !== undefined && holderOf(before) === identity;
  const transitions = before?.leaseTransitions ?? 0;
  const now = rfc3339Micro(at.wallMs);
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(at.leaseDurationMs / 1_000),
    acquireTime: renewal ? (before.acquireTime ?? now) : now,
    renewTime: now,
    leaseTransitions: renewal || before === undefined ? transitions : transitions + 1,
  };
}

/** The record by which the holder gives the lease up, so that the next one need not wait. */
export const released = (wallMs: number): LeaseSpec => ({
  holderIdentity: '',
  leaseDurationSeconds: 1,
  renewTime: rfc3339Micro(wallMs),
});
