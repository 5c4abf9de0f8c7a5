/** Plays a scenario to its end: the real code in a world in memory, judged after every change. */
import type { Fault, Call } from '../../sim/cluster/call.ts';
import { takeCare } from '../../sim/actors/caretaker.ts';
import { seededRandom } from '../../sim/random.ts';
import { lagOf } from '../../sim/scenario/events/lag.ts';
import { applyEvent, tellEvent, toleranceOf } from '../../sim/scenario/events/registry.ts';
import type { Scenario } from '../../sim/scenario/scenario.ts';
import { LEADER } from '../../sim/scenario/stage.ts';
import type { Stage } from '../../sim/scenario/stage.ts';
import { World } from '../world/world.ts';
import { boundOf } from './bound.ts';
import { narrate } from './narrator.ts';
import { settledNowAndThen, unrestOf } from './settled.ts';
import type { Told } from './narrator.ts';

/** One thing that must not be. */
export interface Failure {
  /** Name of the rule. */
  rule: string;
  message: string;
  /** Virtual milliseconds since the start. */
  atMs: number;
}

/** What came of a scenario. */
export interface Outcome {
  failures: Failure[];
  /** Of the world's log: two runs of one scenario have the same. */
  digest: string;
  /** How long the world went on. */
  virtualMs: number;
  reboots: number;
  /** How often each rule had something to judge. */
  judged: Record<string, number>;
}

export interface PlayOptions {
  /** Told of every line of the world's log. */
  sink?: (line: string) => void;
  /** Told of everything that matters to a person. */
  tell?: (told: Told) => void;
}

/** What is asked about a call; the first that has an answer is taken. */
class Sources<T> {
  readonly #sources = new Set<(call: Call) => T | undefined>();

  add(source: (call: Call) => T | undefined): () => void {
    this.#sources.add(source);
    return () => void this.#sources.delete(source);
  }

  readonly ask = (call: Call): T | undefined => {
    for (const source of this.#sources) {
      const answer = source(call);
      if (answer !== undefined) return answer;
    }
    return undefined;
  };
}

/** A scenario under way. */
interface Running {
  world: World;
  faults: Sources<Fault>;
  watchDelays: Sources<number>;
  tell: PlayOptions['tell'];
}

/** Lets the events of a scenario happen in a world. @returns mends what they broke for good */
function schedule(scenario: Scenario, { world, faults, watchDelays, tell }: Running): () => void {
  const mends: (() => void)[] = [];
  for (const [index, event] of scenario.events.entries()) {
    const stage: Stage = {
      clock: world.clock,
      cluster: world.cluster,
      machines: world.machines,
      random: seededRandom(`${scenario.seed}/event-${index}`),
      addFaults: (source) => faults.add(source),
      addWatchDelay: (source) => watchDelays.add(source),
      cutWatches: (isMeant, error) => world.cutWatches(isMeant, error),
      process: (name) => world.process(name === LEADER ? (world.leader ?? '') : name),
      wallClock: (place) => world.wallClock(place === LEADER ? (world.leader ?? '') : place),
      network: world.network,
      wants: world.wants,
      repository: world.repository,
      addMachine: (plan) => world.addMachine(plan),
      retireMachine: (name) => world.retireMachine(name),
      applyPolicy: (policy) => world.applyPolicy(policy),
      onCalm: (mend) => void mends.push(mend),
    };
    world.clock.after(event.atMs, () => {
      tell?.({ atMs: event.atMs, about: 'EVENT', text: tellEvent(event) });
      applyEvent(event, stage);
    });
  }
  return () => {
    for (const mend of mends) mend();
  };
}

/** See the head of this file. */
export async function play(scenario: Scenario, { sink, tell }: PlayOptions = {}): Promise<Outcome> {
  const faults = new Sources<Fault>();
  const watchDelays = new Sources<number>();
  const world = new World({
    seed: scenario.seed,
    nodes: scenario.nodes,
    version: scenario.version,
    releases: scenario.releases,
    startMs: Date.parse(scenario.startsAt),
    faults: faults.ask,
    ...(scenario.workloads === undefined ? {} : { workloads: scenario.workloads }),
    watchDelayMs: (call) => watchDelays.ask(call) ?? 0,
    toleranceMs: toleranceOf(scenario.events),
    lagMs: lagOf(scenario.events),
    ...(sink === undefined ? {} : { sink }),
  });
  if (tell !== undefined) narrate(world, tell);
  world.start();
  for (const policy of scenario.policies) world.applyPolicy(policy);
  const mend = schedule(scenario, { world, faults, watchDelays, tell });
  await world.clock.advance(scenario.calmAfterMs);
  tell?.({ atMs: scenario.calmAfterMs, about: 'EVENT', text: 'nothing goes wrong any more' });
  mend();
  takeCare(world);
  const calm = await world.clock.runUntil(settledNowAndThen(world), boundOf(world));
  if (calm) world.monitor.tell('quiet', {});
  const virtualMs = world.clock.monotonic();
  const { due } = unrestOf(world);
  await world.stop();
  const failures: Failure[] = world.monitor.breaches.map(({ rule, message, atMs }) => ({
    rule,
    message,
    atMs,
  }));
  for (const error of world.crashes) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    failures.push({ rule: 'process ends by itself', message, atMs: virtualMs });
  }
  if (!calm && due.length > 0) {
    failures.push({ rule: 'liveness', message: due.join('; '), atMs: virtualMs });
  }
  return {
    failures,
    digest: world.cluster.log.digest(),
    virtualMs,
    reboots: world.reboots.count,
    judged: Object.fromEntries(world.monitor.judged),
  };
}
