/** Plays many seeds, shows how far it is, keeps the stories that fail. */
import { join } from 'node:path';
import { systemClock } from '../../runtime/clock.ts';
import { generateScenario } from '../../sim/scenario/generate.ts';
import type { Scenario } from '../../sim/scenario/scenario.ts';
import { shrink } from '../../sim/scenario/shrink.ts';
import { writeScenario } from './files.ts';
import type { SimOptions } from './options.ts';
import { play } from './play.ts';
import { playAll } from './pool.ts';
import { failureLine, storyLines } from './single.ts';
import type { Played } from './worker.ts';

/** Between two lines of progress where nobody watches a terminal. */
const PROGRESS_MS = 15_000;

/** What a run came to. */
export interface Totals {
  played: number;
  failed: Played[];
  reboots: number;
  /** How often each rule had something to judge. */
  judged: Map<string, number>;
  virtualMs: number;
  cpuMs: number;
  wallMs: number;
}

/** Seeds in order. */
function* seedsFrom(from: number, count: number): Generator<string> {
  for (let seed = from; seed < from + count; seed++) yield String(seed);
}

const emptyTotals = (): Totals => ({
  played: 0,
  failed: [],
  reboots: 0,
  judged: new Map(),
  virtualMs: 0,
  cpuMs: 0,
  wallMs: 0,
});

function add(totals: Totals, played: Played): void {
  totals.played += 1;
  totals.reboots += played.outcome.reboots;
  totals.virtualMs += played.outcome.virtualMs;
  totals.cpuMs += played.cpuMs;
  for (const [rule, count] of Object.entries(played.outcome.judged)) {
    totals.judged.set(rule, (totals.judged.get(rule) ?? 0) + count);
  }
  if (played.outcome.failures.length > 0) totals.failed.push(played);
}

/** `1200 of 10000 stories, 41.3 a second, 2 failed, 213 s left`. */
function progressLine({ played, failed, wallMs }: Totals, count: number | undefined): string {
  const rate = played / (wallMs / 1000);
  const left = count === undefined ? '' : `, ${Math.round((count - played) / rate)} s left`;
  const of = count === undefined ? '' : ` of ${count}`;
  return `${played}${of} stories, ${rate.toFixed(1)} a second, ${failed.length} failed${left}`;
}

/** The last line: what was played, how fast, and where the time went. */
export function totalsLine({ played, reboots, virtualMs, cpuMs, wallMs, failed }: Totals): string {
  const seconds = wallMs / 1000;
  return (
    `${played} stories in ${seconds.toFixed(0)} s: ${(played / seconds).toFixed(1)} stories and ${(reboots / seconds).toFixed(1)} updated nodes a second, ` +
    `${(virtualMs / 3_600_000).toFixed(0)} h of virtual time, ${(cpuMs / Math.max(1, played)).toFixed(0)} ms of processor time a story; ${failed.length} failed`
  );
}

/** A rule that never had anything to judge has shown nothing. @returns undefined when there is none */
export function idleRulesLine({ judged }: Totals): string | undefined {
  const idle = [...judged].filter(([, count]) => count === 0).map(([rule]) => rule);
  return idle.length === 0 ? undefined : `never had anything to judge: ${idle.join(', ')}`;
}

/** Makes a failing story small, if that is wished, and keeps it. @returns its path */
async function keep(played: Played, options: SimOptions, write: (line: string) => void): Promise<string> {
  const rule = played.outcome.failures[0]?.rule ?? '';
  const story = generateScenario(played.seed);
  const fails = async (candidate: Scenario): Promise<boolean> => {
    const outcome = await play(candidate).catch(() => undefined);
    return outcome === undefined ? rule === 'crash' : outcome.failures.some((each) => each.rule === rule);
  };
  const smallest = options.shrink ? await shrink(story, { fails }) : story;
  const path = join(options.out, `seed-${played.seed}.json`);
  writeScenario(path, smallest);
  for (const line of storyLines(smallest)) write(`    ${line}`);
  return path;
}

/** Plays them all. @returns the sums */
export async function playMany(options: SimOptions, write: (line: string) => void): Promise<Totals> {
  const totals = emptyTotals();
  const clock = systemClock;
  const begunMs = clock.monotonic();
  let toldMs = begunMs;
  const stop = new AbortController();
  const count = options.minutes === undefined ? options.seeds : undefined;
  await playAll({
    jobs: options.jobs,
    seeds: seedsFrom(options.from, count ?? Number.MAX_SAFE_INTEGER),
    signal: stop.signal,
    onPlayed: (played) => {
      add(totals, played);
      const nowMs = clock.monotonic();
      totals.wallMs = nowMs - begunMs;
      if (options.minutes !== undefined && totals.wallMs > options.minutes * 60_000) stop.abort();
      for (const failure of played.outcome.failures.slice(0, 3)) {
        write(`seed ${played.seed}: ${failureLine(failure)}`);
      }
      if (nowMs - toldMs < PROGRESS_MS) return;
      toldMs = nowMs;
      write(progressLine(totals, count));
    },
  });
  for (const played of totals.failed) {
    const path = await keep(played, options, write);
    write(`seed ${played.seed}: npm run sim -- --replay ${path} --trace`);
  }
  return totals;
}
