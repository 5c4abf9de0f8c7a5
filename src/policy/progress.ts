/** What the nodes of a policy do, counted: for policy.status. */
import { END_COUNTS } from '../api/reasons.ts';
import type { EndReason, Reason } from '../api/reasons.ts';
import type { LedgerPhase, UpdatePolicyStatus } from '../api/v1/updatepolicy.ts';
import { clearedBy } from './annotations.ts';
import { compareVersions, parseVersion } from './versions.ts';
import type { VersionVerdict } from './versions.ts';

/** A selected node, as status sees it by itself. */
export interface StatusNode {
  readonly name: string;
  readonly excluded: boolean;
  /** How the last attempt ended, if it did not end well. */
  readonly lastEnd: { readonly reason: EndReason; readonly atMs: number } | undefined;
  /** The node's `retry`. */
  readonly retryAtMs: number | undefined;
  readonly variant: string | undefined;
  readonly arch: string | undefined;
  readonly current: string | undefined;
  readonly verdict: VersionVerdict;
}

/** Why a node does not move, or what it does. */
export interface Why {
  readonly reason: Reason;
  readonly message: string;
}

/** Phase of a node's ledger entry; undefined when it has none. */
type Phase = LedgerPhase | undefined;

export type NodeCounts = NonNullable<UpdatePolicyStatus['nodes']>;
type NodeClass = Exclude<keyof NodeCounts, 'selected'>;

/** What the nodes of a policy do: each is added once. */
export class Progress {
  readonly #resumeAtMs: number | undefined;
  readonly #targets = new Targets();
  readonly #blocked = new BlockedReasons();
  readonly counts: NodeCounts = {
    selected: 0,
    upToDate: 0,
    pending: 0,
    updating: 0,
    failed: 0,
    undrainable: 0,
    excluded: 0,
  };
  /** Nodes that run what the policy wants. */
  updated = 0;

  /** @param resumeAtMs the policy's `resume`. */
  constructor(resumeAtMs?: number) {
    this.#resumeAtMs = resumeAtMs;
  }

  add(node: StatusNode, phase: Phase, why: Why | undefined): void {
    const isFailed = hasFailed(node, phase, this.#resumeAtMs);
    const isDone = !isFailed && isUpdated(node, phase);
    this.counts.selected += 1;
    this.counts[classOf(node, phase, isFailed)] += 1;
    if (isDone) this.updated += 1;
    this.#targets.add(node, { isFailed, isDone });
    if (why !== undefined) this.#blocked.add(node.name, why);
  }

  /** By variant and architecture, in their order. */
  get targets(): Target[] {
    return this.#targets.list();
  }

  /** Why nodes wait: the ten most frequent reasons, the most frequent first, each with its first node by name. */
  get blocked(): BlockedReason[] {
    return this.#blocked.list();
  }
}

/** Each node is counted once: under what comes first here. */
function classOf(node: StatusNode, phase: Phase, isFailed: boolean): NodeClass {
  if (phase !== undefined) return 'updating';
  if (node.excluded) return 'excluded';
  if (isFailed) return 'failed';
  if (node.verdict.kind === 'upToDate') return 'upToDate';
  return node.lastEnd?.reason === 'DrainTimeout' && !clearedBy(node.lastEnd.atMs, node.retryAtMs)
    ? 'undrainable'
    : 'pending';
}

/** The last attempt failed, and nobody has said since then that this is dealt with. */
function hasFailed(
  { lastEnd, retryAtMs }: StatusNode,
  phase: Phase,
  resumeAtMs: number | undefined,
): boolean {
  if (phase === 'Failed' || phase === 'Lost') return true;
  if (lastEnd === undefined || END_COUNTS[lastEnd.reason] !== 'failure') return false;
  return !clearedBy(lastEnd.atMs, resumeAtMs) && !clearedBy(lastEnd.atMs, retryAtMs);
}

/** Runs what its policy wants, and is through with its attempt: perhaps resting, not still being verified. */
const isUpdated = ({ verdict }: StatusNode, phase: Phase): boolean =>
  verdict.kind === 'upToDate' && (phase === undefined || phase === 'Resting');

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

const newest = (versions: Iterable<string | undefined>): string | undefined =>
  [...versions]
    .filter((version) => version !== undefined)
    .toSorted(compareVersions)
    .at(-1);

/** The nodes of one variant and architecture. */
interface TargetGroup {
  readonly variant: string;
  readonly arch: string;
  readonly wanted: Set<string | undefined>;
  /** Nodes that run what their policy wants, by what they run. */
  readonly updated: Map<string, number>;
  selected: number;
  failures: number;
}

/** Nodes that have not reported a variant and an architecture are in none. */
class Targets {
  readonly #groups = new Map<string, Map<string, TargetGroup>>();

  add(node: StatusNode, { isFailed, isDone }: { isFailed: boolean; isDone: boolean }): void {
    const { variant, arch, current } = node;
    if (variant === undefined || arch === undefined) return;
    const group = this.#groups.get(variant)?.get(arch) ?? this.#open(variant, arch);
    group.selected += 1;
    group.wanted.add(targetOfNode(node));
    if (isFailed) group.failures += 1;
    if (isDone && current !== undefined) group.updated.set(current, (group.updated.get(current) ?? 0) + 1);
  }

  #open(variant: string, arch: string): TargetGroup {
    const group = { variant, arch, wanted: new Set<string>(), updated: new Map(), selected: 0, failures: 0 };
    const ofVariant = this.#groups.get(variant);
    if (ofVariant === undefined) this.#groups.set(variant, new Map([[arch, group]]));
    else ofVariant.set(arch, group);
    return group;
  }

  list(): Target[] {
    return [...this.#groups.values()]
      .flatMap((ofVariant) => [...ofVariant.values()])
      .toSorted((a, b) => (`${a.variant} ${a.arch}` < `${b.variant} ${b.arch}` ? -1 : 1))
      .flatMap(({ variant, arch, wanted, updated, selected, failures }) => {
        const version = newest(wanted);
        if (version === undefined) return [];
        const done = [...updated].filter(([runs]) => compareVersions(runs, version) === 0);
        const count = done.reduce((sum, [, nodes]) => sum + nodes, 0);
        return [{ variant, arch, version, selected, updated: count, failures }];
      })
      .slice(0, MAX_TARGETS);
  }
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

class BlockedReasons {
  readonly #found = new Map<Reason, { nodes: number; name: string; message: string }>();

  add(name: string, { reason, message }: Why): void {
    const known = this.#found.get(reason);
    if (known === undefined) {
      this.#found.set(reason, { nodes: 1, name, message });
      return;
    }
    known.nodes += 1;
    if (name < known.name) Object.assign(known, { name, message });
  }

  list(): BlockedReason[] {
    return [...this.#found]
      .filter(([reason]) => !MOVING.has(reason))
      .toSorted(([a, left], [b, right]) => right.nodes - left.nodes || (a < b ? -1 : 1))
      .slice(0, MAX_BLOCKED)
      .map(([reason, { nodes, name, message }]) => ({
        reason,
        nodes,
        example: cut(`${name}: ${message}`, MAX_EXAMPLE),
      }));
  }
}

/** A text of at most `max` characters. */
export const cut = (text: string, max: number): string =>
  text.length > max ? `${text.slice(0, max - 1)}…` : text;
