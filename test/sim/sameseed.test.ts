/** The same seed gives the same log, byte for byte. */
import { describe, expect, it } from 'vitest';
import { play } from '../../src/cmd/sim/play.ts';
import { generateScenario } from '../../src/sim/scenario/generate.ts';

describe('a story', () => {
  it.each(['7', '19', '28'])('is the same every time: seed %s', async (seed) => {
    const logs: string[][] = [[], []];
    for (const log of logs) await play(generateScenario(seed), { sink: (line) => void log.push(line) });
    expect(logs[0]?.length).toBeGreaterThan(1000);
    expect(logs[1]).toEqual(logs[0]);
  });
});
