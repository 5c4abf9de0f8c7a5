/**
 * The life of the certificates (design 7): a next authority is published beside the present one, signs an hour
 * later, and the old one stays published until the last certificate it signed has ended. Every step follows from what
 * is stored, one step at a time. Pure.
 */
import type { Authorities, Bundle, Certificate, KeyedCertificate, Published, Slot } from './parse.ts';
import { isForNames, isSignedBy } from './parse.ts';

const DAY_MS = 86_400_000;
/** Life of an authority. */
export const AUTHORITY_LIFE_MS = 365 * DAY_MS;
/** Life of a serving certificate; it never outlives who signed it. */
export const SERVING_LIFE_MS = 90 * DAY_MS;
/** Certificates begin so long ago, for clocks that are behind. */
export const BACKDATE_MS = 300_000;
/** From the publication of an authority to the first certificate it signs: mounted files lag behind. */
export const PUBLISH_LEAD_MS = 3_600_000;
/** Part of a life after which the successor is made. */
const RENEW_AT = 2 / 3;
/** The objects are looked at so often, for what others did to them. */
const LOOK_MS = 60_000;

export interface Snapshot {
  now: number;
  authorities: Authorities;
  bundle: Bundle;
  serving: Slot;
  /** The names that the serving certificate is for. */
  dnsNames: readonly [string, ...string[]];
  /** Somebody else keeps the serving Secret: everything is left to them. */
  foreignKeeper: string | undefined;
}

/** Each is one write; `why` is for the log. */
export type Action =
  | { do: 'makeAuthority'; slot: 'signer' | 'next'; why: string }
  | { do: 'publish'; entries: { certificate: Certificate; sinceMs: number }[]; why: string }
  | { do: 'promote'; previous: Certificate[]; previousUntilMs: number; why: string }
  | { do: 'forget'; why: string }
  | { do: 'issue'; signer: KeyedCertificate; notAfterMs: number; why: string };

export interface Plan {
  /** The one step that is due. */
  action?: Action;
  /** When to look again, at the latest. */
  waitMs: number;
}

/** What the rules ask of a snapshot, worked out once. */
interface View extends Snapshot {
  signer: KeyedCertificate | undefined;
  next: KeyedCertificate | undefined;
  leaf: Certificate | undefined;
  /** Published authorities that vouch for the serving certificate. */
  vouching: Certificate[];
  /** Agents accept the serving certificate now. */
  isServed: boolean;
}

type Rule = (view: View) => Action | undefined;

/** @returns the one step that is due now, if any. */
export function plan(snapshot: Snapshot): Plan {
  if (snapshot.foreignKeeper !== undefined) return { waitMs: LOOK_MS };
  const view = viewOf(snapshot);
  for (const rule of RULES) {
    const action = rule(view);
    if (action !== undefined) return { action, waitMs: 0 };
  }
  return { waitMs: LOOK_MS };
}

const isCurrent = ({ notBeforeMs, notAfterMs }: Certificate, now: number): boolean =>
  notBeforeMs <= now && now < notAfterMs;

function viewOf(snapshot: Snapshot): View {
  const { authorities, bundle, dnsNames, now, serving } = snapshot;
  const usable = (slot: Slot): KeyedCertificate | undefined =>
    slot.is === 'usable' && isCurrent(slot.value.certificate, now) ? slot.value : undefined;
  const found = usable(serving)?.certificate;
  const leaf = found !== undefined && isForNames(found, dnsNames) ? found : undefined;
  const vouching = bundle.entries
    .map(({ certificate }) => certificate)
    .filter((ca) => leaf !== undefined && isCurrent(ca, now) && isSignedBy(leaf, ca));
  return {
    ...snapshot,
    signer: usable(authorities.signer),
    next: usable(authorities.next),
    leaf,
    vouching,
    isServed: vouching.length > 0,
  };
}

/** Without an authority: at once where nothing works anyway, else as a next one that is published first. */
const replaceLostSigner: Rule = ({ authorities, signer, next, isServed }) => {
  if (signer !== undefined || next !== undefined) return undefined;
  const why = explain(authorities.signer, 'authority');
  return { do: 'makeAuthority', slot: isServed ? 'next' : 'signer', why };
};

const explain = (slot: Slot, what: string): string => {
  if (slot.is === 'empty') return `there is no ${what}`;
  return slot.is === 'broken' ? slot.why : `the ${what} has ended or is not what it should be`;
};

const forgetPrevious: Rule = ({ authorities: { previous }, now }) =>
  previous !== undefined && (previous.untilMs <= now || previous.certificates.length === 0)
    ? { do: 'forget', why: 'the last certificate it signed has ended' }
    : undefined;

const publish: Rule = (view) => {
  const { authorities, bundle, now, signer, next, vouching } = view;
  const wanted = unique([
    ...(signer === undefined ? [] : [signer.certificate]),
    ...(next === undefined ? [] : [next.certificate]),
    ...(authorities.previous?.certificates ?? []).filter((ca) => isCurrent(ca, now)),
    // The key is lost, but what it signed is in use.
    ...(signer === undefined ? vouching : []),
  ]);
  const entries = wanted.map((certificate) => ({
    certificate,
    sinceMs: sinceOf(bundle.entries, certificate, now) ?? now,
  }));
  const same =
    bundle.isClean &&
    entries.length === bundle.entries.length &&
    entries.every(({ certificate, sinceMs }, at) => {
      const old = bundle.entries[at];
      return old?.certificate.fingerprint === certificate.fingerprint && old.sinceMs === sinceMs;
    });
  return same ? undefined : { do: 'publish', entries, why: 'the published authorities are not those in use' };
};

/** A time to come is nobody's record. */
function sinceOf(entries: readonly Published[], certificate: Certificate, now: number): number | undefined {
  const entry = entries.find((one) => one.certificate.fingerprint === certificate.fingerprint);
  return entry?.sinceMs !== undefined && entry.sinceMs <= now ? entry.sinceMs : undefined;
}

const unique = (certificates: Certificate[]): Certificate[] => [
  ...new Map(certificates.map((certificate) => [certificate.fingerprint, certificate])).values(),
];

/** The next authority signs once all agents know it, or at once where none is served anyway. */
const promote: Rule = (view) => {
  const { authorities, bundle, leaf, next, now, signer, isServed } = view;
  if (next === undefined) return undefined;
  const sinceMs = sinceOf(bundle.entries, next.certificate, now) ?? now;
  if (isServed && now - sinceMs < PUBLISH_LEAD_MS) return undefined;
  const old = unique([
    ...(signer === undefined ? [] : [signer.certificate]),
    ...view.vouching,
    ...(authorities.previous?.certificates ?? []),
  ]).filter(({ fingerprint }) => fingerprint !== next.certificate.fingerprint);
  const untilMs = Math.max(isServed ? (leaf?.notAfterMs ?? now) : now, authorities.previous?.untilMs ?? now);
  return {
    do: 'promote',
    previous: old,
    previousUntilMs: untilMs,
    why: 'all agents know the next authority',
  };
};

const issue: Rule = (view) => {
  const { isServed, leaf, now, signer, serving } = view;
  if (signer === undefined) return undefined;
  const why = whyIssue({ isServed, leaf, now, serving, signer: signer.certificate });
  if (why === undefined) return undefined;
  return {
    do: 'issue',
    signer,
    notAfterMs: Math.min(now + SERVING_LIFE_MS, signer.certificate.notAfterMs),
    why,
  };
};

function whyIssue(
  view: Pick<View, 'isServed' | 'leaf' | 'now' | 'serving'> & { signer: Certificate },
): string | undefined {
  const { leaf, now, serving, signer } = view;
  if (leaf === undefined) return explain(serving, 'serving certificate');
  if (!isSignedBy(leaf, signer)) return 'another authority signs now';
  return isDue(leaf, now) ? 'the serving certificate is in the last third of its life' : undefined;
}

const isDue = ({ notBeforeMs, notAfterMs }: Certificate, now: number): boolean =>
  now >= notBeforeMs + (notAfterMs - notBeforeMs) * RENEW_AT;

const makeNext: Rule = ({ next, now, signer }) =>
  signer !== undefined && next === undefined && isDue(signer.certificate, now)
    ? { do: 'makeAuthority', slot: 'next', why: 'the authority is in the last third of its life' }
    : undefined;

/** The first that has something to do decides. What is to be trusted is published before anything relies on it. */
const RULES: readonly Rule[] = [replaceLostSigner, forgetPrevious, publish, promote, issue, makeNext];
