/** vitest `globalSetup` of the e2e suite: one development cluster for all its files, with the operator in it. */
import type { TestProject } from 'vitest/node';
import { locatePrograms } from '../../hack/programs/controlplane.ts';
import type { ClusterFacts } from '../../hack/dev/cluster.ts';
import { startWorld } from '../../hack/dev/world.ts';
import type { Durations } from '../../src/sim/host/durations.ts';

declare module 'vitest' {
  interface ProvidedContext {
    cluster: ClusterFacts;
  }
}

/** As quick as the order of events allows. */
const QUICK: Partial<Durations> = {
  refreshMs: [50, 200],
  prepareMs: [300, 800],
  activateMs: [50, 200],
  deactivateMs: [50, 200],
  shutdownMs: [200, 500],
  bootMs: [800, 1500],
  panicMs: 300,
  apiRestartMs: 500,
};

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const programs = await locatePrograms({ progress: (line) => console.error(line) });
  const world = await startWorld({ programs, nodes: 5, releases: ['1.40.0'], durations: QUICK });
  project.provide('cluster', world.cluster.facts);
  // Whoever looks into a failure needs the logs, which its message names.
  return () => world.stop({ keepLogs: project.vitest.state.getCountOfFailedTests() > 0 });
}
