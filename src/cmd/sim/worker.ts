/** A thread that plays stories: a seed comes in, what came of it goes out. */
import { parentPort } from 'node:worker_threads';
import { generateScenario } from '../../sim/scenario/generate.ts';
import { play } from './play.ts';
import type { Outcome } from './play.ts';

/** What a thread answers. */
export interface Played {
  seed: string;
  outcome: Outcome;
  /** Processor time, milliseconds. */
  cpuMs: number;
}

if (parentPort !== null) {
  const port = parentPort;
  port.on('message', (seed: string) => {
    void answer(seed).then((played) => port.postMessage(played));
  });
}

async function answer(seed: string): Promise<Played> {
  const before = process.threadCpuUsage();
  const outcome = await play(generateScenario(seed)).catch(crashed);
  const { user, system } = process.threadCpuUsage(before);
  return { seed, outcome, cpuMs: (user + system) / 1000 };
}

/** Our own error is a finding like any other. */
const crashed = (error: unknown): Outcome => ({
  failures: [
    {
      rule: 'crash',
      message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      atMs: 0,
    },
  ],
  digest: '',
  virtualMs: 0,
  reboots: 0,
  judged: {},
});
