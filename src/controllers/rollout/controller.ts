/** The rollout: one loop over all policies and nodes, run by the leader. */
import type { Clock, Random } from '../../runtime/clock.ts';
import { errorFields } from '../../runtime/errors.ts';
import { isKubernetesError } from '../../runtime/kubernetes.ts';
import type { KubernetesPort } from '../../runtime/kubernetes.ts';
import type { Logger } from '../../runtime/log.ts';
import type { EventRecorder } from '../events/recorder.ts';
import type { Caches } from '../kube/caches.ts';
import { Loop } from '../kube/loop.ts';
import { applyActions } from './apply.ts';
import type { RolloutWriters } from './apply.ts';
import { Drains } from './drains.ts';
import { Gatherer } from './gather.ts';
import { HealthChecks } from './health.ts';
import { Lookups } from './lookups.ts';
import { NodePods } from './nodepods.ts';
import { planRollout } from './plan.ts';
import type { RolloutPlan } from './plan.ts';
import { Shower } from './shower.ts';
import type { Snapshot } from './snapshot.ts';

export interface RolloutControllerOptions {
  /** Fenced. */
  port: KubernetesPort;
  caches: Caches;
  writers: RolloutWriters;
  events: Pick<EventRecorder, 'record'>;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Whether deadlines stand still while no API server pod is Ready. @default true */
  needsApiserverPods?: boolean;
  /** Sees every plan; for metrics. */
  onPlan?: (snapshot: Snapshot, plan: RolloutPlan) => void;
}

/** Everything is looked at so often even if nothing changes. */
const LOOK_MS = 60_000;
/** Nodes of which pods are listed or evicted at a time. */
const BESIDE_AT_A_TIME = 32;

export class RolloutController {
  readonly #options: RolloutControllerOptions;
  readonly #loop: Loop;
  readonly #gatherer: Gatherer;
  readonly #apply: Parameters<typeof applyActions>[1];
  readonly #shower = new Shower();
  /** Rounds of drains and the like that go on beside the loop. */
  readonly #beside = new Set<Promise<unknown>>();
  #isStopping = false;
  /** The last look did not see. */
  #isBlind = true;

  constructor(options: RolloutControllerOptions) {
    this.#options = options;
    const { clock, random, logger, port, writers, caches, events } = options;
    const onChange = (): void => this.#loop.trigger();
    const shared = { port, clock, logger, onChange };
    const memory = {
      drains: new Drains(shared),
      health: new HealthChecks(shared),
      nodePods: new NodePods(shared),
      lookups: new Lookups(port, logger),
    };
    this.#loop = new Loop({ clock, random, logger, pass: () => this.#pass() });
    this.#gatherer = new Gatherer({
      ...memory,
      port,
      caches,
      writers,
      clock,
      needsApiserverPods: options.needsApiserverPods ?? true,
    });
    this.#apply = {
      ...memory,
      writers,
      events,
      logger,
      beside: (work) => this.#run(work),
      isStopping: () => this.#isStopping,
    };
  }

  /** Runs until the signal aborts; what is under way is finished. The caches have been listed by then. */
  async run(signal: AbortSignal): Promise<void> {
    const { caches } = this.#options;
    const look = (): void => this.#loop.trigger();
    // Thousands of kubelets say every few minutes that they live: that is no news, but it moves the copies.
    const ends = [
      this.#gatherer.follow(),
      caches.onNews(look),
      caches.onProgress(() => this.#waitsForCopies && look()),
    ];
    signal.addEventListener('abort', () => this.#stop(), { once: true });
    try {
      await this.#loop.run(signal);
      await Promise.all(this.#beside);
    } finally {
      ends.forEach((end) => end());
    }
  }

  /** A write of ours is to be seen, or the copies are to be in step again. */
  get #waitsForCopies(): boolean {
    const { nodes, shadows, policies } = this.#options.writers;
    return this.#isBlind || [nodes, shadows, policies].some(({ mayHold }) => mayHold);
  }

  #stop(): void {
    this.#isStopping = true;
    this.#apply.drains.stop();
  }

  /** Something changed that the caches do not announce. */
  trigger(): void {
    this.#loop.trigger();
  }

  async #pass(): Promise<number> {
    const { writers, clock, onPlan } = this.#options;
    const all = [writers.nodes, writers.shadows, writers.policies];
    await Promise.all(all.map((writer) => writer.lookUpDoubtful()));
    const snapshot = this.#gatherer.gather();
    this.#isBlind = snapshot.sightSinceMs === undefined;
    const plan = planRollout(snapshot);
    const shows = this.#shower.show(snapshot, plan);
    onPlan?.(snapshot, plan);
    for (const action of plan.actions)
      if (action.do === 'patchPolicy') this.#gatherer.noteWritten(action.policy.metadata.uid ?? '');
    await applyActions([...plan.actions, ...shows.actions], this.#apply);
    const dueMs = all.map(({ nextDueMs }) => (nextDueMs ?? Number.POSITIVE_INFINITY) - clock.monotonic());
    const wakeMs = [plan.wakeAtMs, shows.wakeAtMs].map(
      (at) => (at ?? Number.POSITIVE_INFINITY) - clock.now(),
    );
    return Math.max(0, Math.min(LOOK_MS, ...dueMs, ...wakeMs));
  }

  /**
   * Runs work beside the loop. Beyond so many it is not begun and not queued: it would be begun on what was decided
   * some time ago. The next pass decides anew.
   */
  #run(work: () => Promise<unknown>): void {
    if (this.#beside.size >= BESIDE_AT_A_TIME) return;
    const done = work()
      .catch((error: unknown) => {
        if (isKubernetesError(error, 'fenced')) return;
        this.#options.logger.error('Work beside the loop failed', errorFields(error));
      })
      .finally(() => {
        this.#beside.delete(done);
        this.#loop.trigger();
      });
    this.#beside.add(done);
  }
}
