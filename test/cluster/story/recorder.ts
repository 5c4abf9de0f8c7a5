/** Watches a cluster from outside and remembers everything it saw, also across absences of kube-apiserver. */
import { setTimeout as delay } from 'node:timers/promises';
import { Events, Leases, Namespaces, Nodes, Pods } from '../../../src/api/core.ts';
import { NAMESPACE } from '../../../src/api/names.ts';
import { UpdatePolicies } from '../../../src/api/v1/updatepolicy.ts';
import { BottlerocketShadows } from '../../../src/api/v2/bottlerocketshadow.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import type { KubeObject, Resource, Selection } from '../../../src/runtime/kubernetes.ts';
import { silentLogger } from '../../../src/runtime/log.ts';
import { Reflector } from '../../../src/runtime/reflector.ts';
import {
  actorEvent,
  nodeEvent,
  type EventKind,
  type TimelineEvent,
} from '../../../src/sim/timeline/events.ts';
import type { Change } from '../../../src/sim/timeline/observe/happening.ts';
import { RolloutObserver } from '../../../src/sim/timeline/observe/observer.ts';
import type { ClusterHandle, PowerEvent } from './handle.ts';

/** How often kube-apiserver is asked whether it is there. */
const PROBE_MS = 500;
/** The same, as a lane. */
const SERVER = 'kube-apiserver';

/** What a change of power is in the words of a timeline; being on is said by `booting` already. */
const POWER: Partial<Record<PowerEvent['state'], EventKind>> = { off: 'down', hung: 'down', booting: 'up' };

const nameOf = (key: string): string => key.slice(key.indexOf('/') + 1);

/** What a test has to say. */
export interface Note {
  kind: EventKind;
  /** @default nothing but the kind */
  text?: string;
  /** @default now */
  atMs?: number;
}

/** Name of the node that a shadow is of. */
const shadowNode = (key: string): string => nameOf(key).replace(/^brs-/, '');

/** See the head of this file. */
export class Recorder {
  readonly #cluster: ClusterHandle;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[] = [];
  readonly #observer = new RolloutObserver();
  readonly #events: TimelineEvent[] = [];
  readonly #power = new Map<string, PowerEvent['state']>();
  #unwatchPower: () => void = () => undefined;

  constructor(cluster: ClusterHandle) {
    this.#cluster = cluster;
  }

  /** Everything so far, as it was seen. */
  get events(): readonly TimelineEvent[] {
    return this.#events;
  }

  /** Resolves once it sees everything. */
  async start(): Promise<void> {
    const observer = this.#observer;
    const own = { namespace: NAMESPACE };
    const synced = [
      this.#follow(Nodes, {}, (at, key, change) => observer.node(at, nameOf(key), change)),
      this.#follow(BottlerocketShadows, own, (at, key, change) =>
        observer.shadow(at, shadowNode(key), change),
      ),
      this.#follow(Pods, {}, (at, _, change) => observer.pod(at, change)),
      this.#follow(UpdatePolicies, {}, (at, key, change) => observer.policy(at, nameOf(key), change)),
      this.#follow(Leases, own, (at, _, change) => observer.lease(at, change)),
      this.#follow(Events, {}, (at, _, change) => observer.event(at, change)),
    ];
    this.#running.push(this.#probe());
    this.#unwatchPower = await this.#cluster.watchPower((event) => this.#powerChanged(event));
    await Promise.all(synced);
  }

  /** Something a test did, or saw by other means. */
  note(lane: { node: string } | { actor: string }, { kind, text = '', atMs = Date.now() }: Note): void {
    const event = { atMs, kind, text };
    this.#events.push('node' in lane ? nodeEvent(lane.node, event) : actorEvent(lane.actor, event));
  }

  /** Ends all watches. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#unwatchPower();
    await Promise.all(this.#running);
  }

  #follow<T extends KubeObject>(
    resource: Resource<T>,
    selection: Selection,
    seen: (atMs: number, key: string, change: Change<T>) => TimelineEvent[],
  ): Promise<void> {
    const { signal } = this.#stop;
    const reflector = new Reflector<T>({
      port: this.#cluster.kubernetes,
      resource,
      selection,
      clock: systemClock,
      random: Math.random,
      logger: silentLogger,
    });
    reflector.onChange((key, before, after) => {
      // What was there before anybody looked is where the story begins, and no event of it, cordons excepted.
      this.#events.push(...seen(Date.now(), key, { before, after }));
    });
    this.#running.push(reflector.run(signal));
    return reflector.whenSynced(signal);
  }

  #powerChanged({ atMs, machine, state }: PowerEvent): void {
    const known = this.#power.get(machine);
    this.#power.set(machine, state);
    const kind = POWER[state];
    // The first word on a machine says how it is, not what became of it.
    if (known === undefined || known === state || kind === undefined) return;
    this.#events.push(nodeEvent(machine, { atMs, kind, text: '' }));
  }

  async #probe(): Promise<void> {
    const { signal } = this.#stop;
    let there = true;
    while (!signal.aborted) {
      const answers = await this.#cluster.kubernetes.get(Namespaces, { name: 'default' }).then(
        () => true,
        () => false,
      );
      if (!signal.aborted && answers !== there)
        this.note({ actor: SERVER }, { kind: answers ? 'back' : 'away' });
      there = answers;
      await delay(PROBE_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
