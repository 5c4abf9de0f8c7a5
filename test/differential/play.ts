/** Plays a story on both clusters, call by call, until they differ. */
import { type Call, type KindName, told } from './call.ts';
import { Comparison } from './compare.ts';
import type { Answer, Side } from './side.ts';

/** Where two clusters part. */
export class Difference extends Error {
  override readonly name = 'Difference';
  /** Which call, from 0. */
  readonly index: number;
  readonly differences: readonly string[];

  constructor(index: number, call: Call, differences: readonly string[]) {
    super(`call ${index}, ${told(call)}: simulated | real\n  ${differences.slice(0, 10).join('\n  ')}`);
    this.index = index;
    this.differences = differences;
  }
}

export interface Sides {
  simulated: Side;
  real: Side;
}

const isOurs = (call: Call): boolean => 'on' in call && ['policies', 'shadows'].includes(call.on.kind);

/** How long controllers that have something to do may take. */
const REST_MS = 20_000;
const POLL_MS = 100;

/** @throws Difference at the first call whose answers are not the same */
export async function play(calls: readonly Call[], sides: Sides, kinds: readonly KindName[]): Promise<void> {
  const comparison = new Comparison();
  const { simulated, real } = sides;
  for (const [index, call] of calls.entries()) {
    const expected = await simulated.carryOut(call);
    const differences =
      call.verb === 'settle'
        ? await settled(sides, comparison, kinds)
        : comparison.answers(expected, await real.carryOut(call, expected), isOurs(call));
    if (differences.length > 0) throw new Difference(index, call, differences);
  }
}

/** The real controllers take their time: looks until all is the same, or for 20 s. */
async function settled(
  { simulated, real }: Sides,
  comparison: Comparison,
  kinds: readonly KindName[],
): Promise<string[]> {
  const expected: Answer = await simulated.everything(kinds);
  const endMs = performance.now() + REST_MS;
  for (;;) {
    const attempt = comparison.fork();
    const differences = attempt.answers(expected, await real.everything(kinds));
    if (differences.length === 0) {
      comparison.join(attempt);
      return [];
    }
    if (performance.now() > endMs) return differences;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
