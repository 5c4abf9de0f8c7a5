/** Invariant 11, the other way round: no node is said to have failed that is well. */
import type { Node, Pod } from '../../../api/core.ts';
import type { LedgerEntry } from '../../../api/v1/updatepolicy.ts';
import { withDefaults } from '../../../policy/effective.ts';
import type { MomentOf } from '../moment.ts';
import { entriesOf, idOf, isController, shadowOf } from '../reading.ts';
import { rule } from '../rule.ts';
import type { Verdict } from '../rule.ts';

/** Beyond what the policy asks for, and how old what is known may be: lists may fail for a while. */
const PATIENCE_MS = 5 * 60_000;

type Conditioned = Pick<Node | Pod, 'status'>;

const isReady = (object: Conditioned | undefined): boolean =>
  object?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;

const isDaemon = ({ metadata }: Pod): boolean =>
  metadata.ownerReferences?.some(({ kind }) => kind === 'DaemonSet') === true;

/** Since when nodes and their daemons are as they are, by the world's clock. */
class Wellness {
  /** Node → since when it is Ready. */
  readonly #readyMs = new Map<string, number>();
  /** Node → when last a daemon of it became ready, unready, came or went. */
  readonly #daemonMs = new Map<string, number>();
  /** Node → its daemons that are not ready. */
  readonly #unready = new Map<string, Set<string>>();

  noteNode({ before, after, atMs }: MomentOf<'node'>): void {
    const name = (after ?? before)?.metadata.name ?? '';
    if (!isReady(after)) this.#readyMs.delete(name);
    else if (!this.#readyMs.has(name)) this.#readyMs.set(name, atMs);
  }

  notePod({ before, after, atMs }: MomentOf<'pod'>): void {
    const pod = after ?? before;
    const node = pod?.spec?.nodeName;
    if (pod === undefined || node === undefined || !isDaemon(pod)) return;
    const unready = this.#unready.get(node) ?? new Set();
    this.#unready.set(node, unready);
    const isWell = after === undefined || (isReady(after) && after.metadata.deletionTimestamp === undefined);
    const uid = pod.metadata.uid ?? '';
    if (isWell !== unready.has(uid) && before !== undefined && after !== undefined) return;
    if (isWell) unready.delete(uid);
    else unready.add(uid);
    this.#daemonMs.set(node, atMs);
  }

  /** Since when the node and all its daemons are ready; undefined while they are not. */
  sinceMs(node: string): number | undefined {
    const readyMs = this.#readyMs.get(node);
    if (readyMs === undefined || (this.#unready.get(node)?.size ?? 0) > 0) return undefined;
    return Math.max(readyMs, this.#daemonMs.get(node) ?? 0);
  }
}

/** Entries that a write ends for want of health. */
const givenUp = ({ before, after }: MomentOf<'policy'>): LedgerEntry[] => {
  const open = new Set(
    entriesOf(before)
      .filter(({ phase }) => phase === 'Reserved')
      .map(idOf),
  );
  return entriesOf(after).filter(
    (entry) => entry.phase === 'Failed' && entry.reason === 'VerifyTimeout' && open.has(idOf(entry)),
  );
};

/** A node that is well for long enough does not fail its verification, whoever could not look. */
export const failuresAreTrue = rule(
  { name: 'failuresAreTrue', invariant: 11, of: ['node', 'pod', 'policy'] },
  () => {
    const wellness = new Wellness();
    const judge = (moment: MomentOf<'policy'>): Verdict => {
      const { after, by, atMs, lagMs } = moment;
      const ended = givenUp(moment);
      if (after === undefined || !isController(by) || ended.length === 0) return undefined;
      const neededMs = withDefaults(after.spec).health.stableForMs + lagMs + PATIENCE_MS;
      // A deadline moves once (protocol 7): who was blind twice may give a node up that is well.
      for (const { node } of ended.filter(({ extended }) => !extended)) {
        const sinceMs = wellness.sinceMs(node);
        const said = shadowOf(moment, node)?.status?.current_state;
        if (sinceMs !== undefined && said === 'MonitoringUpdate' && atMs - sinceMs > neededMs)
          return `${node} failed its verification, but is well since ${Math.round((atMs - sinceMs) / 1000)} s`;
      }
      return '';
    };
    return (moment) => {
      if (moment.kind === 'node') wellness.noteNode(moment);
      else if (moment.kind === 'pod') wellness.notePod(moment);
      else return judge(moment);
      return undefined;
    };
  },
);
