/**
 * Which version a host is updated to. Versions are semver; a pre-release is eligible only when the range names a
 * pre-release of the same major.minor.patch (node-semver's rule), so `*` never selects one.
 */
import { Range, SemVer } from 'semver';
import { some } from './block.ts';
import { PolicyTextError } from './errors.ts';

/** `hostLock`: whether the operator pins the target on the host, or only acts on what the host chose itself. */
export interface VersionSpec {
  readonly range: string;
  readonly exclude: readonly string[];
  readonly hostLock: 'Pin' | 'Observe';
}

/** What a host reported about versions. */
export interface HostVersions {
  /** The version that runs. */
  readonly current: string | null | undefined;
  /** Versions the host may be updated to, older ones included, in any order; null before the first report. */
  readonly available: readonly string[] | null | undefined;
  /** The version the host would choose by itself; null when it would choose none. */
  readonly chosen?: string | null | undefined;
}

export type VersionVerdict =
  /** `version` is the target, without a leading "v". */
  | { readonly kind: 'eligible'; readonly version: string }
  /** What runs is allowed, and nothing newer is offered and allowed. */
  | { readonly kind: 'upToDate'; readonly message: string }
  /** What runs is not allowed, and neither is anything that is offered. */
  | { readonly kind: 'none'; readonly message: string }
  /** hostLock is Observe and the host would choose another version than the target. */
  | { readonly kind: 'notOffered'; readonly target: string; readonly message: string }
  /** Not reported yet. */
  | { readonly kind: 'unknown' };

const UNKNOWN: VersionVerdict = { kind: 'unknown' };
/** A cluster knows a few dozen versions; this only bounds what nonsense could add. */
const MAX_PARSED = 4_096;
const parsed = new Map<string, SemVer | null>();

/** A version, a leading "v" allowed; null when the text is none. */
export function parseVersion(text: string): SemVer | null {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  if (parsed.size >= MAX_PARSED) parsed.clear();
  const version = readVersion(text);
  parsed.set(text, version);
  return version;
}

function readVersion(text: string): SemVer | null {
  try {
    return new SemVer(text);
  } catch {
    return null;
  }
}

/** Order of two version texts, older first; texts that are no versions come before all versions, in the order of texts. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [parseVersion(a), parseVersion(b)];
  if (left !== null && right !== null) return left.compare(right);
  if (left === null && right === null) return a < b ? -1 : Number(a > b);
  return left === null ? -1 : 1;
}

/** @throws PolicyTextError `range`. */
export function parseRange(text: string): Range {
  try {
    if (text.trim() !== '') return new Range(text);
  } catch (error) {
    const said = error instanceof Error ? ` (${error.message})` : '';
    throw new PolicyTextError(
      'range',
      text,
      `is not a version range${said}: write one like "*", "1.44.0", "1.44.x" or ">=1.40.0 <2.0.0"`,
    );
  }
  throw new PolicyTextError(
    'range',
    text,
    'is not a version range: it is empty; write "*" for every version',
  );
}

/** @throws PolicyTextError `version`: what is excluded is one exact version, such as 1.44.0. */
export function parseExclude(text: string): SemVer {
  const version = parseVersion(text);
  if (version === null)
    throw new PolicyTextError(
      'version',
      text,
      'is not an exact version: write one like 1.44.0, one an entry',
    );
  return version;
}

interface Judged {
  readonly available: readonly string[];
  readonly current: string;
  readonly chosen: string | null | undefined;
  readonly verdict: VersionVerdict;
}

/** A cluster's hosts report a few different offers; this only bounds what nonsense could add. */
const MAX_SHARED = 1_024;

/** The versions a policy allows, read once. @throws PolicyTextError `range` or `version` from the constructor. */
export class VersionRules {
  readonly #range: Range;
  readonly #rangeText: string;
  readonly #excluded: ReadonlySet<string>;
  readonly #observe: boolean;
  /** By the host's own list: it stays the same object until the host reports another. */
  readonly #verdicts = new WeakMap<readonly string[], Judged>();
  /** By what was reported: hosts that report the same share their verdict. */
  readonly #shared = new Map<string, VersionVerdict>();
  /** The same host is asked about several times in a row. */
  #last: Judged | undefined;

  constructor(spec: VersionSpec) {
    this.#range = parseRange(spec.range);
    this.#rangeText = spec.range;
    this.#excluded = new Set(spec.exclude.map((text) => parseExclude(text).version));
    this.#observe = spec.hostLock === 'Observe';
  }

  /** Why a version is not allowed, as the end of a sentence that begins with it; undefined when it is. */
  refusal(text: string): string | undefined {
    const version = parseVersion(text);
    if (version === null) return 'is not a version';
    if (this.#excluded.has(version.version)) return 'is excluded';
    if (this.#range.test(version)) return undefined;
    return version.prerelease.length > 0
      ? `is a pre-release that range ${this.#rangeText} does not name`
      : `is outside range ${this.#rangeText}`;
  }

  /**
   * The target of a host: the newest version offered that is in the range, not excluded and greater than what runs.
   * There are no downgrades.
   */
  judge(host: HostVersions): VersionVerdict {
    const { current, available, chosen } = host;
    if (current === null || current === undefined || available === null || available === undefined)
      return UNKNOWN;
    const known = this.#last?.available === available ? this.#last : this.#verdicts.get(available);
    if (known !== undefined && known.current === current && (known.chosen === chosen || !this.#observe)) {
      this.#last = known;
      return known.verdict;
    }
    const judged = {
      available,
      current,
      chosen,
      verdict: this.#share(current, available, chosen ?? undefined),
    };
    this.#verdicts.set(available, judged);
    this.#last = judged;
    return judged.verdict;
  }

  #share(current: string, available: readonly string[], chosen: string | undefined): VersionVerdict {
    const key = JSON.stringify([current, this.#observe ? chosen : undefined, ...available]);
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    if (this.#shared.size >= MAX_SHARED) this.#shared.clear();
    const verdict = this.#decide(current, available, chosen);
    this.#shared.set(key, verdict);
    return verdict;
  }

  #decide(current: string, available: readonly string[], chosen: string | undefined): VersionVerdict {
    const running = parseVersion(current);
    if (running === null)
      return { kind: 'none', message: `The host runs "${current}", which is no version.` };
    let target: SemVer | undefined;
    for (const text of available) {
      const version = parseVersion(text);
      if (version === null || version.compare(running) <= 0 || this.refusal(text) !== undefined) continue;
      if (target === undefined || version.compare(target) > 0) target = version;
    }
    if (target === undefined) return this.#nothing(running, available);
    return this.#observe ? observed(target, chosen) : { kind: 'eligible', version: target.version };
  }

  #nothing(running: SemVer, available: readonly string[]): VersionVerdict {
    const refused = available.flatMap((text) => {
      const version = parseVersion(text);
      const why = this.refusal(text);
      if (why !== undefined)
        return version === null || version.compare(running) > 0 ? [`${text} ${why}`] : [];
      return [];
    });
    const offered = refused.length === 0 ? '' : ` Offered: ${some(refused)}.`;
    const why = this.refusal(running.version);
    if (why === undefined)
      return {
        kind: 'upToDate',
        message: `Runs ${running.version}; nothing newer is offered and allowed.${offered}`,
      };
    const older = available.filter((text) => this.refusal(text) === undefined);
    const notNewer = older.length === 0 ? '' : ` ${some(older)} would be a downgrade.`;
    const none = available.length === 0 ? ' The host is offered nothing.' : '';
    return { kind: 'none', message: `Runs ${running.version}, which ${why}.${offered}${notNewer}${none}` };
  }
}

function observed(target: SemVer, chosen: string | undefined): VersionVerdict {
  if (chosen !== undefined && parseVersion(chosen)?.version === target.version)
    return { kind: 'eligible', version: target.version };
  return {
    kind: 'notOffered',
    target: target.version,
    message: `The target is ${target.version}, but the host would choose ${chosen ?? 'no version'}.`,
  };
}
