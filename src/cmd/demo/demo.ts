/** `npm run demo`: a rollout in memory, shown live. */
import { createLogUpdate } from 'log-update';
import { CommanderError } from 'commander';
import { fileURLToPath } from 'node:url';
import { rfc3339, systemClock } from '../../runtime/clock.ts';
import type { Reason } from '../../api/reasons.ts';
import type { UpdatePolicy } from '../../api/v1/updatepolicy.ts';
import { withDefaults } from '../../policy/effective.ts';
import { CompiledWindows } from '../../policy/windows.ts';
import { World } from '../world/world.ts';
import { demoNodes } from './nodes.ts';
import { readOptions } from './options.ts';
import type { DemoOptions } from './options.ts';
import { PolicyFileError, readPolicies } from './policies.ts';
import { changes, policyLine, screen } from './render.ts';
import { isBusy, isFinished, nodeRows, policyRows } from './rows.ts';
import type { NodeRow } from './rows.ts';

/** A Thursday at night, a few hours before the windows of most samples. */
const BASE_MS = Date.parse('2026-01-08T01:50:00Z');
/** So long before the first window the demo starts. */
const BEFORE_MS = 10 * 60_000;
/** What only a person could change: to wait on is of no use. */
const HOPELESS: ReadonlySet<string> = new Set<Reason>([
  'NoPolicy',
  'PolicyTie',
  'PolicyInvalid',
  'PolicyPaused',
  'DryRun',
  'Halted',
  'Excluded',
  'CordonedByOthers',
  'NoEligibleVersion',
]);
/** After so long without a change it is. */
const HOPELESS_AFTER_MS = 15 * 60_000;
const FROM = '1.42.0';
const TO = '1.44.0';
/** Longer than the windows of all samples need. */
const LIMIT_MS = 9 * 86_400_000;
const FRAME_MS = 100;
/** What is easy to follow on a screen. */
const WATCHABLE = 90;
/** Between rollouts there is nothing to see. */
const IDLE_FACTOR = 60;

const samples = (): string => fileURLToPath(new URL('../../../config/samples/*.yaml', import.meta.url));

/** Where the demo writes; exit codes: 0 all updated, 1 not, 2 bad arguments or policies. */
export interface DemoOutput {
  write(text: string): void;
  isTerminal: boolean;
  columns: number;
}

/** Runs the demo. @returns the exit code */
export async function runDemo(argv: readonly string[], out: DemoOutput): Promise<number> {
  try {
    const options = readOptions(argv, { samples: samples(), write: (text) => out.write(text) });
    const policies = readPolicies(options.policy, BASE_MS);
    const world = new World({
      seed: options.seed,
      nodes: demoNodes(options.nodes),
      version: FROM,
      releases: ['1.41.0', FROM, '1.43.0', TO],
      startMs: startOf(policies),
    });
    world.start();
    for (const policy of policies) world.applyPolicy(policy);
    return await new Show(world, options, out).run();
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof PolicyFileError)) throw error;
    out.write(`${error.message}\n`);
    return 2;
  }
}

/** Shortly before the first of the policies may act. */
function startOf(policies: readonly UpdatePolicy[]): number {
  const opens = policies.map(({ spec }) => {
    const { open, nextOpensAt } = new CompiledWindows(withDefaults(spec)).at(BASE_MS);
    return open ? BASE_MS : (nextOpensAt ?? BASE_MS + LIMIT_MS);
  });
  return Math.max(BASE_MS, Math.min(...opens) - BEFORE_MS);
}

/** Drives the world's clock and shows it. */
class Show {
  readonly #world: World;
  readonly #options: DemoOptions;
  readonly #out: DemoOutput;
  readonly #screen: ReturnType<typeof createLogUpdate> | undefined;
  #before: NodeRow[] = [];
  #lines = '';
  /** When something could still happen by itself. */
  #hopefulMs = 0;

  constructor(world: World, options: DemoOptions, out: DemoOutput) {
    this.#world = world;
    this.#options = options;
    this.#out = out;
    this.#screen = out.isTerminal && !options.json ? createLogUpdate(process.stdout) : undefined;
  }

  async run(): Promise<number> {
    const { clock, cluster } = this.#world;
    const realStart = systemClock.monotonic();
    while (clock.monotonic() < LIMIT_MS && !this.#isOver()) {
      const isIdle = !isBusy(cluster);
      await this.#advance(isIdle);
      this.#show();
    }
    this.#show();
    this.#screen?.done();
    const code = this.#sum(systemClock.monotonic() - realStart);
    await this.#world.stop();
    return code;
  }

  #isOver(): boolean {
    const { cluster, monitor, clock } = this.#world;
    if (monitor.breaches.length > 0 || isFinished(cluster, TO, this.#options.nodes)) return true;
    const waiting = this.#before.filter((row) => row.version !== TO);
    const isHopeless = !isBusy(cluster) && waiting.every((row) => HOPELESS.has(row.reason));
    if (!isHopeless || waiting.length === 0) this.#hopefulMs = clock.monotonic();
    return clock.monotonic() - this.#hopefulMs > HOPELESS_AFTER_MS;
  }

  /** One frame. On a screen, or with a speed, it takes as long as it should. */
  async #advance(isIdle: boolean): Promise<void> {
    const { speed } = this.#options;
    const isPaced = speed !== undefined || this.#screen !== undefined;
    const pace = speed ?? WATCHABLE * (isIdle ? IDLE_FACTOR : 1);
    const frameMs = isPaced ? pace * FRAME_MS : isIdle ? 60_000 : 5_000;
    const began = systemClock.monotonic();
    await this.#world.clock.advance(frameMs);
    const tookMs = systemClock.monotonic() - began;
    if (isPaced && tookMs < FRAME_MS) await systemClock.sleep(FRAME_MS - tookMs);
  }

  #show(): void {
    const { cluster, clock } = this.#world;
    const time = rfc3339(clock.now());
    const nodes = nodeRows(cluster);
    const policies = policyRows(cluster);
    if (this.#screen !== undefined) {
      this.#screen(screen({ time, nodes, policies }, this.#out.columns));
    } else if (this.#options.json) {
      for (const line of changedRows(this.#before, nodes))
        this.#out.write(`${JSON.stringify({ time, ...line })}\n`);
    } else {
      for (const line of changes(this.#before, nodes, time)) this.#out.write(`${line}\n`);
      const lines = policies.map((row) => `${time} ${policyLine(row)}\n`).join('');
      const gist = lines.replaceAll(/^\S+ |· ends about \S+/gm, '');
      if (gist !== this.#lines) this.#out.write(lines);
      this.#lines = gist;
    }
    this.#before = nodes;
  }

  #sum(realMs: number): number {
    const { cluster, clock, monitor, reboots } = this.#world;
    const nodes = nodeRows(cluster);
    const updated = nodes.filter((row) => row.version === TO).length;
    const ok = isFinished(cluster, TO, this.#options.nodes) && monitor.breaches.length === 0;
    if (this.#options.json) {
      const summary = {
        updated,
        nodes: nodes.length,
        reboots: reboots.count,
        breaches: monitor.breaches,
        digest: cluster.log.digest(),
      };
      this.#out.write(`${JSON.stringify({ time: rfc3339(clock.now()), summary })}\n`);
      return ok ? 0 : 1;
    }
    const hours = (clock.monotonic() / 3_600_000).toFixed(1);
    this.#out.write(
      `\n${updated} of ${nodes.length} nodes updated to ${TO} in ${hours} h of the cluster's time (${(realMs / 1000).toFixed(1)} s here), ${reboots.count} reboots.\n`,
    );
    for (const breach of monitor.breaches)
      this.#out.write(`BROKEN: invariant ${breach.invariant}: ${breach.message}\n`);
    for (const row of nodes.filter(({ version }) => version !== TO)) {
      this.#out.write(`Not updated: ${row.node}: ${row.reason}: ${row.message}\n`);
    }
    this.#out.write(`Log ${cluster.log.digest().slice(0, 16)}, seed ${this.#options.seed}.\n`);
    return ok ? 0 : 1;
  }
}

const changedRows = (before: readonly NodeRow[], after: readonly NodeRow[]): NodeRow[] => {
  const known = new Map(before.map((row) => [row.node, JSON.stringify(row)]));
  return after.filter((row) => known.get(row.node) !== JSON.stringify(row));
};
