/** Kills parts of the operator and machines, without a word to them, and says so in the timeline of a story. */
import { setTimeout as delay } from 'node:timers/promises';
import { Leases, Pods, type Pod } from '../../../src/api/core.ts';
import { NAMESPACE } from '../../../src/api/names.ts';
import type { Story } from './story.ts';

const COMPONENT = 'brupop.bottlerocket.aws/component';
const LEASE = 'brupop-controller';
/** How long a machine is without power. */
const OFF_MS = 1_000;
const RETURN_MS = 120_000;

/** Every process of a pod but that which holds its sandbox, as seen from within its machine. */
const KILL = `
for file in $(grep -ls "pod$1" /proc/[0-9]*/cgroup); do
  dir=\${file%/cgroup}
  read -r name < "$dir/comm" || continue
  [ "$name" = pause ] || kill -9 "\${dir#/proc/}"
done`;

type Lane = { node: string } | { actor: string };

const readyAt = ({ metadata, status }: Pod): number | undefined => {
  if (metadata.deletionTimestamp !== undefined) return undefined;
  const ready = status?.conditions?.find(({ type, status: is }) => type === 'Ready' && is === 'True');
  return ready === undefined ? undefined : Date.parse(ready.lastTransitionTime ?? '');
};

/** See the head of this file. */
export class Casualties {
  readonly #story: Story;
  readonly #returns: Promise<void>[] = [];
  /** Machines without power. */
  readonly #off = new Set<string>();

  constructor(story: Story) {
    this.#story = story;
  }

  /** The controller that leads, or if none does, both. */
  async controller(): Promise<void> {
    const { kubernetes } = this.#story.cluster;
    const lease = await kubernetes.get(Leases, { namespace: NAMESPACE, name: LEASE });
    const [holder] = (lease.spec?.holderIdentity ?? '').split('_');
    const pods = await this.pods('controller');
    const leading = pods.filter(({ metadata }) => metadata.name === holder);
    await this.#kill({ actor: 'controller' }, leading.length === 0 ? pods : leading);
  }

  /** Every API server: no agent can report. */
  async apiserver(): Promise<void> {
    await this.#kill({ actor: 'apiserver' }, await this.pods('apiserver'));
  }

  async agent(node: string): Promise<void> {
    const pods = (await this.pods('agent')).filter(({ spec }) => spec?.nodeName === node);
    await this.#kill({ actor: `agent of ${node}` }, pods);
  }

  /** Cuts the power for a moment. Resolves when it is on again. */
  async machine(node: string): Promise<void> {
    const { cluster } = this.#story;
    this.#story.note({ node }, { kind: 'killed', text: 'its power is cut' });
    this.#off.add(node);
    await cluster.power(node, 'off');
    await delay(OFF_MS);
    await cluster.power(node, 'on');
    this.#off.delete(node);
    this.#story.note({ node }, { kind: 'back' });
  }

  /** Waits until all that was killed is there again, or was replaced. */
  async returned(): Promise<void> {
    await Promise.all(this.#returns.splice(0));
  }

  /** Pods of a part of the operator that have not been told to go. */
  async pods(component: 'controller' | 'apiserver' | 'agent'): Promise<Pod[]> {
    const { items } = await this.#story.cluster.kubernetes.list(Pods, {
      namespace: NAMESPACE,
      labelSelector: `${COMPONENT}=${component}`,
    });
    return items.filter(
      ({ metadata, spec }) => metadata.deletionTimestamp === undefined && spec?.nodeName !== undefined,
    );
  }

  async #kill(lane: Lane, pods: readonly Pod[]): Promise<void> {
    const atMs = Date.now();
    await Promise.all(pods.map((pod) => this.#killPod(pod)));
    this.#story.note(lane, {
      kind: 'killed',
      text: pods.map(({ metadata }) => metadata.name).join(', '),
      atMs,
    });
    this.#returns.push(this.#untilReturned(lane, pods, atMs));
  }

  async #killPod({ metadata, spec }: Pod): Promise<void> {
    const node = spec?.nodeName ?? '';
    try {
      await this.#story.cluster.run(node, ['sh', '-c', KILL, '-', metadata.uid ?? '']);
    } catch (error) {
      // Where there is no power, nothing runs.
      if (!this.#off.has(node)) throw error;
    }
  }

  async #untilReturned(lane: Lane, pods: readonly Pod[], killedMs: number): Promise<void> {
    const { kubernetes } = this.#story.cluster;
    await this.#story.waitFor('what was killed is back', RETURN_MS, async () => {
      const { items } = await kubernetes.list(Pods, { namespace: NAMESPACE });
      const there = new Map(items.map((pod) => [pod.metadata.uid, pod]));
      return pods.every(({ metadata }) => {
        const pod = there.get(metadata.uid);
        // Conditions are told to the second.
        return pod === undefined || leaves(pod) || (readyAt(pod) ?? 0) >= killedMs - 1_000;
      });
    });
    this.#story.note(lane, { kind: 'back' });
  }
}

const leaves = ({ metadata }: Pod): boolean => metadata.deletionTimestamp !== undefined;
