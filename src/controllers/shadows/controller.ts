/** Keeps a label and a shadow for every Bottlerocket node: looks at a node when something of it has changed. */
import type { Node, Pod } from '../../api/core.ts';
import { AGENT_SERVICE_ACCOUNT, shadowName } from '../../api/names.ts';
import type { UpdatePolicy } from '../../api/v1/updatepolicy.ts';
import type { Clock, Random } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/log.ts';
import type { EventRecorder } from '../events/recorder.ts';
import { isNews } from '../kube/caches.ts';
import type { Caches } from '../kube/caches.ts';
import { Loop } from '../kube/loop.ts';
import { inParallel } from '../kube/pool.ts';
import { applyShadowAction } from './apply.ts';
import type { ShadowWriters } from './apply.ts';
import { gatherNode, ledgerUids } from './gather.ts';
import { planNode } from './plan.ts';
import type { ShadowAction } from './plan.ts';

export interface ShadowsControllerOptions {
  caches: Caches;
  writers: ShadowWriters;
  events: Pick<EventRecorder, 'record'>;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Set the label on every Bottlerocket node. */
  autoLabel: boolean;
}

const SHADOW_PREFIX = shadowName('');

export class ShadowsController {
  readonly #options: ShadowsControllerOptions;
  readonly #loop: Loop;
  /** Nodes to be looked at. */
  readonly #dirty = new Set<string>();
  /** Nodes, by UID, whose host was said to be too old. */
  readonly #unsupported = new Set<string>();

  constructor(options: ShadowsControllerOptions) {
    this.#options = options;
    const { clock, random, logger } = options;
    this.#loop = new Loop({ clock, random, logger, pass: () => this.#pass() });
  }

  /** Runs until the signal aborts. The caches have been listed by then. */
  async run(signal: AbortSignal): Promise<void> {
    const { caches } = this.#options;
    const ends = [
      caches.nodes.onChange((key, old, node) => this.#changed(key, old, node)),
      caches.shadows.onChange((_key, old, shadow) => {
        const name = (shadow ?? old)?.metadata.name ?? '';
        this.#look(name.slice(SHADOW_PREFIX.length));
      }),
      caches.pods.onChange((_key, _old, pod) => this.#podChanged(pod)),
      caches.policies.onChange((_key, old, policy) => this.#ledgerChanged(old, policy)),
      // What waits for its own write to be seen is looked at when the copies move.
      caches.onProgress(() => this.#dirty.size > 0 && this.#loop.trigger()),
    ];
    for (const { metadata } of caches.nodes.store.list()) this.#dirty.add(metadata.name);
    for (const { metadata } of caches.shadows.store.list())
      this.#dirty.add(metadata.name.slice(SHADOW_PREFIX.length));
    try {
      await this.#loop.run(signal);
    } finally {
      ends.forEach((end) => end());
    }
  }

  /** A hold of a writer has ended: what waits for it may go on. */
  trigger(): void {
    this.#loop.trigger();
  }

  #look(node: string): void {
    this.#dirty.add(node);
    this.#loop.trigger();
  }

  #changed(key: string, old: Node | undefined, node: Node | undefined): void {
    if (isNews(old, node)) this.#look(key);
  }

  #podChanged(pod: Pod | undefined): void {
    const node = pod?.spec?.nodeName;
    if (node !== undefined && pod?.spec?.serviceAccountName === AGENT_SERVICE_ACCOUNT) this.#look(node);
  }

  /** A slot was freed: the shadow may go, or lose its finalizer. */
  #ledgerChanged(old: UpdatePolicy | undefined, policy: UpdatePolicy | undefined): void {
    const left = new Set(policy?.status?.updating?.map(({ node }) => node));
    for (const { node } of old?.status?.updating ?? []) if (!left.has(node)) this.#look(node);
  }

  async #pass(): Promise<number | undefined> {
    const { caches, clock, autoLabel, writers } = this.#options;
    await Promise.all([
      writers.nodes.lookUpDoubtful(),
      writers.shadows.lookUpDoubtful(),
      writers.pods.lookUpDoubtful(),
    ]);
    const inLedger = ledgerUids(caches);
    const actions: ShadowAction[] = [];
    for (const name of this.#dirty) {
      const snapshot = gatherNode(name, { caches, autoLabel, now: clock.now() }, inLedger);
      if (!this.#mayDecide(name)) continue;
      const planned = planNode(snapshot).filter((action) => this.#isNew(action));
      // What is acted on is looked at again; a node that needs nothing waits for its next change.
      if (planned.length === 0) this.#dirty.delete(name);
      actions.push(...planned);
    }
    await inParallel(actions, (action) => applyShadowAction(action, this.#options));
    const dueMs = Math.min(
      ...[writers.nodes, writers.shadows, writers.pods].map(({ nextDueMs }) => nextDueMs ?? Infinity),
    );
    return Number.isFinite(dueMs) ? Math.max(0, dueMs - clock.monotonic()) : undefined;
  }

  #mayDecide(name: string): boolean {
    const { caches, writers } = this.#options;
    const { namespace } = caches;
    return (
      writers.nodes.ready(name) &&
      writers.shadows.ready({ namespace, name: shadowName(name) }) &&
      caches.pods.store.byIndex('node', name).every(({ metadata }) => writers.pods.ready(metadata))
    );
  }

  /** That a host is too old is said once. */
  #isNew(action: ShadowAction): boolean {
    if (action.do !== 'unsupported') return true;
    const { uid = '' } = action.node.metadata;
    if (this.#unsupported.has(uid)) return false;
    this.#unsupported.add(uid);
    return true;
  }
}
