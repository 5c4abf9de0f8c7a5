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
import type { Caches } from '../kube/caches.ts';
import { isBottlerocket } from '../shadows/osimage.ts';
import { Selections } from './compile.ts';
import type { CompiledPolicy } from './compile.ts';
import { isNodeReady, isPodReady } from './health.ts';
import type { NodeFacts } from './snapshot.ts';

const SHADOW_PREFIX = shadowName('');
const OPERATOR_ACCOUNTS: ReadonlySet<string | undefined> = new Set([
  CONTROLLER_SERVICE_ACCOUNT,
  APISERVER_SERVICE_ACCOUNT,
]);

export class NodeTable {
  readonly #caches: Caches;
  readonly #selections = new Selections();
  readonly #rows = new Map<string, NodeFacts>();
  #dirty: Set<string> | 'all' = 'all';

  constructor(caches: Caches) {
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
      for (const { metadata } of this.#caches.nodes.store.list()) this.#refresh(metadata.name);
    } else {
      for (const name of this.#dirty) this.#refresh(name);
    }
    this.#dirty = new Set();
    return this.#rows;
  }

  #refresh(name: string): void {
    const node = this.#caches.nodes.store.get(name);
    if (node === undefined || !isBottlerocket(node)) this.#rows.delete(name);
    else this.#rows.set(name, this.#row(name, node));
  }

  #row(name: string, node: Node): NodeFacts {
    const { shadows, pods, namespace } = this.#caches;
    const shadow = shadows.store.get(`${namespace}/${shadowName(name)}`);
    const onNode = pods.store.byIndex('node', name);
    return {
      name,
      node,
      shadow: shadow !== undefined && isOwnedBy(shadow, node) ? shadow : undefined,
      isReady: isNodeReady(node),
      isAgentReporting: onNode.some((pod) => accountOf(pod) === AGENT_SERVICE_ACCOUNT && isPodReady(pod)),
      runsOperator: onNode.some((pod) => OPERATOR_ACCOUNTS.has(accountOf(pod))),
      selection: this.#selections.of(node),
      hasAttemptMarks: hasAttemptMarks(node),
    };
  }
}

const hasAttemptMarks = (node: Node): boolean =>
  Object.entries(readMarks(node).marks).some(([key, mark]) => mark !== undefined && isAttemptMark(key, mark));

const accountOf = ({ spec }: Pod): string | undefined => spec?.serviceAccountName;

const isOwnedBy = (shadow: BottlerocketShadow, node: Node): boolean =>
  shadow.metadata.ownerReferences?.some(({ kind, uid }) => kind === 'Node' && uid === node.metadata.uid) ??
  false;
