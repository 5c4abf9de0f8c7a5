/**
 * The Bottlerocket nodes, each with its shadow and pods: kept from pass to pass, made anew only for nodes of which
 * something changed. The objects stay the same for as long as nothing does, so that what is derived from them can be
 * remembered, too.
 */
import type { Node, Pod } from '../../api/core.ts';
import {
  AGENT_SERVICE_ACCOUNT,
  APISERVER_SERVICE_ACCOUNT,
  CONTROLLER_SERVICE_ACCOUNT,
  shadowName,
} from '../../api/names.ts';
import type { BottlerocketShadow } from '../../api/v2/bottlerocketshadow.ts';
import { isAttemptMark, readMarks } from '../../protocol/marks.ts';
import type { Reflector } from '../../runtime/reflector.ts';
import type { PodIndex } from '../kube/caches.ts';
import { isBottlerocket } from '../shadows/osimage.ts';
import { Selections } from './compile.ts';
import type { CompiledPolicy } from './compile.ts';
import { isNodeReady, isPodReady } from './health.ts';
import { needsCare } from './nodecare.ts';
import type { NodeFacts } from './snapshot.ts';

const SHADOW_PREFIX = shadowName('');
const OPERATOR_ACCOUNTS: ReadonlySet<string | undefined> = new Set([
  CONTROLLER_SERVICE_ACCOUNT,
  APISERVER_SERVICE_ACCOUNT,
]);

/** What of the copies the table reads. */
export interface TableCopies {
  nodes: Pick<Reflector<Node>, 'store' | 'onChange'>;
  shadows: Pick<Reflector<BottlerocketShadow>, 'store' | 'onChange'>;
  pods: Pick<Reflector<Pod, PodIndex>, 'store' | 'onChange'>;
  /** The operator's namespace. */
  namespace: string;
}

export class NodeTable {
  readonly #caches: TableCopies;
  readonly #selections = new Selections();
  readonly #rows = new Map<string, NodeFacts>();
  readonly #byShadow = new Map<string, NodeFacts>();
  /** Numbers of rows that are gone; the next nodes get them. */
  readonly #freeRows: number[] = [];
  #dirty: Set<string> | 'all' = 'all';

  constructor(caches: TableCopies) {
    this.#caches = caches;
  }

  /** Follows the copies. @returns ends it. */
  follow(): () => void {
    const { nodes, shadows, pods } = this.#caches;
    const ends = [
      nodes.onChange((name) => this.#mark(name)),
      shadows.onChange((_key, old, shadow) => {
        this.#mark((shadow ?? old)?.metadata.name.slice(SHADOW_PREFIX.length));
      }),
      pods.onChange((_key, old, pod) => {
        this.#mark(old?.spec?.nodeName);
        this.#mark(pod?.spec?.nodeName);
      }),
    ];
    this.#dirty = 'all';
    return () => ends.forEach((end) => end());
  }

  #mark(name: string | undefined): void {
    if (name !== undefined && this.#dirty !== 'all') this.#dirty.add(name);
  }

  /** The nodes, as of now. */
  rows(policies: readonly CompiledPolicy[]): ReadonlyMap<string, NodeFacts> {
    if (this.#selections.use(policies)) this.#dirty = 'all';
    if (this.#dirty === 'all') {
      this.#rows.clear();
      this.#byShadow.clear();
      this.#freeRows.length = 0;
      for (const { metadata } of this.#caches.nodes.store.list()) this.#refresh(metadata.name);
    } else {
      for (const name of this.#dirty) this.#refresh(name);
    }
    this.#dirty = new Set();
    return this.#rows;
  }

  /** The node that has the shadow of a UID. */
  ofShadow(uid: string): NodeFacts | undefined {
    return this.#byShadow.get(uid);
  }

  #refresh(name: string): void {
    const node = this.#caches.nodes.store.get(name);
    const known = this.#rows.get(name);
    if (node !== undefined && isBottlerocket(node)) {
      // Without free numbers the rows have all numbers below their count.
      const row = known?.row ?? this.#freeRows.pop() ?? this.#rows.size;
      this.#put(known, this.#facts(row, node));
    } else if (known !== undefined) {
      this.#put(known, undefined);
      this.#freeRows.push(known.row);
    }
  }

  #put(old: NodeFacts | undefined, facts: NodeFacts | undefined): void {
    if (old?.shadow !== undefined) this.#byShadow.delete(uidOf(old.shadow));
    if (facts?.shadow !== undefined) this.#byShadow.set(uidOf(facts.shadow), facts);
    if (facts !== undefined) this.#rows.set(facts.name, facts);
    else if (old !== undefined) this.#rows.delete(old.name);
  }

  #facts(row: number, node: Node): NodeFacts {
    const { name } = node.metadata;
    const { shadows, pods, namespace } = this.#caches;
    const shadow = shadows.store.get(`${namespace}/${shadowName(name)}`);
    const onNode = pods.store.byIndex('node', name);
    const facts = {
      name,
      row,
      node,
      shadow: shadow !== undefined && isOwnedBy(shadow, node) ? shadow : undefined,
      isReady: isNodeReady(node),
      isAgentReporting: onNode.some((pod) => accountOf(pod) === AGENT_SERVICE_ACCOUNT && isPodReady(pod)),
      runsOperator: onNode.some((pod) => OPERATOR_ACCOUNTS.has(accountOf(pod))),
      selection: this.#selections.of(node),
      hasAttemptMarks: hasAttemptMarks(node),
    };
    return { ...facts, needsCare: needsCare(facts), seen: undefined };
  }
}

const uidOf = ({ metadata }: BottlerocketShadow): string => metadata.uid ?? '';

const hasAttemptMarks = (node: Node): boolean =>
  Object.entries(readMarks(node).marks).some(([key, mark]) => mark !== undefined && isAttemptMark(key, mark));

const accountOf = ({ spec }: Pod): string | undefined => spec?.serviceAccountName;

const isOwnedBy = (shadow: BottlerocketShadow, node: Node): boolean =>
  shadow.metadata.ownerReferences?.some(({ kind, uid }) => kind === 'Node' && uid === node.metadata.uid) ??
  false;
