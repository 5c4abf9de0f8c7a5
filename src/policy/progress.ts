/** What the nodes of a policy do, counted: for policy.status. */
import { END_COUNTS } from '../api/reasons.ts';
import type { EndReason, Reason } from '../api/reasons.ts';
import type { LedgerPhase, UpdatePolicyStatus } from '../api/v1/updatepolicy.ts';
import { clearedBy } from './annotations.ts';
import { compareVersions, parseVersion } from './versions.ts';
import type { VersionVerdict } from './versions.ts';

/** A selected node, as status sees it. */
export interface StatusNode {
  readonly name: string;
  readonly excluded: boolean;
  /** Phase of its ledger entry; undefined when it has none. */
  readonly phase: LedgerPhase | undefined;
  /** How the last attempt ended, if it did not end well. */
  readonly lastEnd: { readonly reason: EndReason; readonly atMs: number } | undefined;
  /** The node's `retry`. */
  readonly retryAtMs: number | undefined;
  readonly variant: string | undefined;
  readonly arch: string | undefined;
  readonly current: string | undefined;
  readonly verdict: VersionVerdict;
  /** Why it does not move, or what it does. */
  readonly why: { readonly reason: Reason; readonly message: string } | undefined;
}

export type NodeCounts = NonNullable<UpdatePolicyStatus['nodes']>;
type NodeClass = Exclude<keyof NodeCounts, 'selected'>;

/** Each node is counted once: under what comes first here. */
function classOf(node: StatusNode, resumeAtMs: number | undefined): NodeClass {
  if (node.phase !== undefined) return 'updating';
  if (node.excluded) return 'excluded';
  if (hasFailed(node, resumeAtMs)) return 'failed';
  if (node.verdict.kind === 'upToDate') return 'upToDate';
  return node.lastEnd?.reason === 'DrainTimeout' && !clearedBy(node.lastEnd.atMs, node.retryAtMs)
    ? 'undrainable'
    : 'pending';
}

/** The last attempt failed, and nobody has said since then that this is dealt with. */
export function hasFailed(node: StatusNode, resumeAtMs: number | undefined): boolean {
  const { phase, lastEnd, retryAtMs } = node;
  if (phase === 'Failed' || phase === 'Lost') return true;
  if (lastEnd === undefined || END_COUNTS[lastEnd.reason] !== 'failure') return false;
  return !clearedBy(lastEnd.atMs, resumeAtMs) && !clearedBy(lastEnd.atMs, retryAtMs);
}

/** Runs what its policy wants, and is through with its attempt: perhaps resting, not still being verified. */
export const isUpdated = (node: StatusNode, resumeAtMs: number | undefined): boolean =>
  node.verdict.kind === 'upToDate' &&
  (node.phase === undefined || node.phase === 'Resting') &&
  !hasFailed(node, resumeAtMs);

export function countNodes(nodes: readonly StatusNode[], resumeAtMs: number | undefined): NodeCounts {
  const counts = {
    selected: 0,
    upToDate: 0,
    pending: 0,
    updating: 0,
    failed: 0,
    undrainable: 0,
    excluded: 0,
  };
  for (const node of nodes) {
    counts.selected += 1;
    counts[classOf(node, resumeAtMs)] += 1;
  }
  return counts;
}

export type Target = NonNullable<NonNullable<UpdatePolicyStatus['rollout']>['targets']>[number];

const MAX_TARGETS = 32;

/** The version a node is to run, or runs when that is what its policy wants; undefined when nobody can say. */
function targetOfNode({ verdict, current }: StatusNode): string | undefined {
  switch (verdict.kind) {
    case 'eligible':
      return verdict.version;
    case 'notOffered':
      return verdict.target;
    case 'upToDate':
      return current === undefined ? undefined : (parseVersion(current)?.version ?? current);
    case 'none':
    case 'unknown':
      return undefined;
  }
}

const newest = (versions: readonly (string | undefined)[]): string | undefined =>
  versions
    .filter((version) => version !== undefined)
    .toSorted(compareVersions)
    .at(-1);

/** Progress by variant and architecture, in their order; nodes that have not reported either are in none. */
export function targetsOf(nodes: readonly StatusNode[], resumeAtMs: number | undefined): Target[] {
  const groups = Map.groupBy(
    nodes.filter(({ variant, arch }) => variant !== undefined && arch !== undefined),
    ({ variant, arch }) => `${variant ?? ''} ${arch ?? ''}`,
  );
  return [...groups]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, members]) => {
      const version = newest([...new Set(members.map(targetOfNode))]);
      const [first] = members;
      if (version === undefined || first === undefined) return [];
      const runs = (node: StatusNode): boolean =>
        node.current !== undefined && compareVersions(node.current, version) === 0;
      return [
        {
          variant: first.variant ?? '',
          arch: first.arch ?? '',
          version,
          selected: members.length,
          updated: members.filter((node) => runs(node) && isUpdated(node, resumeAtMs)).length,
          failures: members.filter((node) => hasFailed(node, resumeAtMs)).length,
        },
      ];
    })
    .slice(0, MAX_TARGETS);
}

/** The newest target of any of them. */
export const newestTarget = (targets: readonly Target[]): string | undefined =>
  newest(targets.map(({ version }) => version));

export type BlockedReason = NonNullable<UpdatePolicyStatus['blocked']>[number];

const MAX_BLOCKED = 10;
const MAX_EXAMPLE = 512;
/** Nothing keeps these nodes: they are done, or on their way. */
const MOVING: ReadonlySet<Reason> = new Set<Reason>([
  'UpToDate', 'Reserved', 'Staging', 'Draining', 'Rebooting', 'Verifying', 'Resting', 'PuttingBack',
]); // prettier-ignore

/** Why nodes wait: the ten most frequent reasons, the most frequent first, each with its first node by name. */
export function blockedReasons(nodes: readonly StatusNode[]): BlockedReason[] {
  const found = new Map<Reason, { nodes: number; name: string; message: string }>();
  for (const { name, why } of nodes) {
    if (why === undefined || MOVING.has(why.reason)) continue;
    const known = found.get(why.reason);
    if (known === undefined) found.set(why.reason, { nodes: 1, name, message: why.message });
    else {
      known.nodes += 1;
      if (name < known.name) Object.assign(known, { name, message: why.message });
    }
  }
  return [...found]
    .toSorted(([a, left], [b, right]) => right.nodes - left.nodes || (a < b ? -1 : 1))
    .slice(0, MAX_BLOCKED)
    .map(([reason, { nodes: count, name, message }]) => ({
      reason,
      nodes: count,
      example: cut(`${name}: ${message}`, MAX_EXAMPLE),
    }));
}

/** A text of at most `max` characters. */
export const cut = (text: string, max: number): string =>
  text.length > max ? `${text.slice(0, max - 1)}…` : text;
