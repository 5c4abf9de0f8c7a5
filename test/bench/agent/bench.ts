/** What the agent costs each node: the bundle, started as the DaemonSet does, beside a simulated host. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Context } from '../context.ts';
import type { Figure } from '../figure.ts';
import { median, round } from '../figure.ts';
import { MIB, cpuNanos, privateBytes, rssBytes } from '../procfs.ts';
import { AgentWorld } from './world.ts';

const STARTS = 11;
/** The first check for updates is made within 10 s. */
const SETTLE_MS = 15_000;
/** The agent looks at its host once a minute. */
const IDLE_MS = 62_000;

async function inWorld(measure: (world: AgentWorld) => Promise<Figure[]>): Promise<Figure[]> {
  const world = new AgentWorld();
  try {
    await world.start();
    return await measure(world);
  } finally {
    await world.stop();
  }
}

/** From the start of the process to Ready: stream open, and the host has answered. */
export const benchAgentStart = ({ progress }: Context): Promise<Figure[]> =>
  inWorld(async (world) => {
    progress(`starting the agent ${STARTS} times`);
    const times: number[] = [];
    for (let count = 0; count < STARTS; count += 1) {
      const { agent, readyMs } = await world.startAgent();
      times.push(readyMs);
      await agent.stop();
    }
    return [{ name: 'agent-ready', value: round(median(times)), unit: 'ms', budget: 150 }];
  });

/** Memory and processor time with nothing to do. */
export const benchAgentIdle = ({ progress, signal }: Context): Promise<Figure[]> =>
  inWorld(async (world) => {
    const { agent } = await world.startAgent();
    await pause(SETTLE_MS, undefined, { signal });
    progress(`watching an idle agent for ${IDLE_MS / 1000} s`);
    const cpuFrom = cpuNanos(agent.pid);
    const startMs = performance.now();
    await pause(IDLE_MS, undefined, { signal });
    const usedMs = (cpuNanos(agent.pid) - cpuFrom) / 1e6;
    return [
      { name: 'agent-rss', value: round(rssBytes(agent.pid) / MIB), unit: 'MiB', budget: 64 },
      { name: 'agent-private', value: round(privateBytes(agent.pid) / MIB), unit: 'MiB', budget: 18 },
      {
        name: 'agent-idle-cpu',
        value: round((usedMs / (performance.now() - startMs)) * 1000),
        unit: 'millicores',
        budget: 5,
      },
    ];
  });
