/** Runs stages one after the other, those that mostly wait beside the others, and says how each ended. */
import { existsSync, mkdtempSync, readFileSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Programs } from '../programs/controlplane.ts';
import { Supervisor, type Child } from '../process/supervisor.ts';
import {
  add,
  countVitest,
  NOTHING,
  ONE_FAILED,
  ONE_PASSED,
  type Counts,
  type VitestReport,
} from './counts.ts';
import type { Stage } from './stages.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const STAGE_TIMEOUT_MS = 15 * 60_000;
/** A stage that says nothing for so long is still shown to be alive. */
const HEARTBEAT_MS = 60_000;
const STOP_GRACE_MS = 15_000;

export interface RunOptions {
  stages: readonly Stage[];
  /** The programs of the control plane, being found or built; only awaited by stages that need them. */
  programs: Promise<Programs>;
  print: (line: string) => void;
  signal: AbortSignal;
}

/** How a stage ended. */
interface Result {
  counts: Counts;
  /** What it wrote, when that matters. */
  output?: string;
}

/** Path of a script of ours, or of a tool of node_modules. */
function resolveTool(name: string): string {
  const path = name.endsWith('.ts') ? join(ROOT, name) : join(ROOT, 'node_modules', '.bin', name);
  return existsSync(path) ? realpathSync(path) : path;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const isBeside = ({ beside = false }: Stage): boolean => beside;

/** Runs stages, each as a process of its own that ends with us. */
export class Runner {
  readonly #options: RunOptions;
  readonly #dir = mkdtempSync(join(tmpdir(), 'brupop-test-'));
  readonly #supervisor = new Supervisor([this.#dir]);

  constructor(options: RunOptions) {
    this.#options = options;
  }

  /** Sum of all stages. Stages that an interrupt kept from running count as failed. */
  async run(): Promise<Counts> {
    const { stages } = this.#options;
    const lanes = [stages.filter((stage) => !isBeside(stage)), stages.filter(isBeside)];
    try {
      const [one = NOTHING, other = NOTHING] = await Promise.all(lanes.map((lane) => this.#runLane(lane)));
      return add(one, other);
    } finally {
      await this.#supervisor.stopAll({ graceMs: STOP_GRACE_MS });
    }
  }

  async #runLane(stages: readonly Stage[]): Promise<Counts> {
    let total = NOTHING;
    for (const stage of stages) {
      if (this.#options.signal.aborted) return add(total, ONE_FAILED);
      total = add(total, await this.#runStage(stage));
    }
    return total;
  }

  async #runStage(stage: Stage): Promise<Counts> {
    const { print } = this.#options;
    // Its time begins when there is something to run; until then the build tells how far it is.
    if (stage.needsPrograms === true) await this.#options.programs.catch(() => undefined);
    const startedAt = performance.now();
    const heartbeat = setInterval(
      () => print(`   … ${stage.name}, ${seconds(performance.now() - startedAt)}`),
      HEARTBEAT_MS,
    );
    try {
      const { counts, output } = await this.#result(stage);
      const bad = counts.failed > 0 || counts.skipped > 0;
      if (bad && output !== undefined) print(output.trimEnd());
      print(
        `${bad ? 'FAIL' : 'ok  '} ${stage.name.padEnd(10)} ${describe(stage, counts)}${seconds(performance.now() - startedAt)}`,
      );
      return counts;
    } finally {
      clearInterval(heartbeat);
    }
  }

  async #result(stage: Stage): Promise<Result> {
    if (stage.needsPrograms === true) {
      try {
        await this.#options.programs;
      } catch (error) {
        return { counts: ONE_FAILED, output: (error as Error).message };
      }
    }
    const child = await this.#start(stage);
    const verdict = await this.#await(child, stage);
    const output = readFileSync(child.logFile, 'utf8') + verdict.note;
    const passed = verdict.code === 0;
    if (stage.vitest !== true) return { counts: passed ? ONE_PASSED : ONE_FAILED, output };
    return { counts: countVitest(verdict.code, this.#report(stage)), output };
  }

  #start(stage: Stage): Promise<Child> {
    const [tool, ...args] = stage.command;
    const reporters = [
      '--reporter=minimal',
      '--reporter=json',
      `--outputFile.json=${this.#reportFile(stage)}`,
    ];
    return this.#supervisor.start({
      name: stage.name,
      command: process.execPath,
      // An `only` left behind would hide every other test of its file.
      args: [
        resolveTool(tool),
        ...args,
        ...(stage.vitest === true ? [...reporters, '--allowOnly=false'] : []),
      ],
      cwd: ROOT,
      logFile: join(this.#dir, `${stage.name}.log`),
      env: { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }) },
    });
  }

  async #await(child: Child, stage: Stage): Promise<{ code: number | null; note: string }> {
    const { signal } = this.#options;
    const timeoutMs = stage.timeoutMs ?? STAGE_TIMEOUT_MS;
    const waiting = new AbortController();
    const late = delay(timeoutMs, 'late' as const, {
      signal: AbortSignal.any([signal, waiting.signal]),
    }).catch(() => 'interrupted' as const);
    const first = await Promise.race([child.ended, late]);
    waiting.abort();
    if (typeof first !== 'string') return { code: first.code, note: '' };
    await child.stop({ graceMs: STOP_GRACE_MS });
    const note = first === 'late' ? `Not done after ${seconds(timeoutMs)}` : 'Interrupted';
    return { code: null, note: `\n${note}` };
  }

  #reportFile(stage: Stage): string {
    return join(this.#dir, `${stage.name}.json`);
  }

  #report(stage: Stage): VitestReport | undefined {
    try {
      return JSON.parse(readFileSync(this.#reportFile(stage), 'utf8')) as VitestReport;
    } catch {
      return undefined;
    }
  }
}

function describe(stage: Stage, counts: Counts): string {
  if (stage.vitest !== true) return '';
  const parts = [`${counts.passed} passed`];
  if (counts.failed > 0) parts.push(`${counts.failed} failed`);
  if (counts.skipped > 0) parts.push(`${counts.skipped} skipped`);
  return `${parts.join(', ')}, `;
}
