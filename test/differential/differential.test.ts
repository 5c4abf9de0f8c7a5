/**
 * The same random calls against the cluster in memory and a real API server: whatever they answer has to be the same,
 * field by field. A failure shows the shortest story that still differs, and the seed.
 *
 * `DIFFERENTIAL_SEED` and `DIFFERENTIAL_RUNS` try other stories, and more of them.
 */
import { readFileSync } from 'node:fs';
import { KubeConfig } from '@kubernetes/client-node';
import * as fc from 'fast-check';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { createKubernetesClient } from '../../src/runtime/client/client.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import type { KubernetesPort } from '../../src/runtime/kubernetes.ts';
import type { Call, KindName } from './call.ts';
import { realSide, simulatedSide } from './clusters.ts';
import { stories } from './draw/calls.ts';
import { settledStories } from './draw/settled.ts';
import { play } from './play.ts';

const SEED = Number(process.env['DIFFERENTIAL_SEED'] ?? 1);
const RUNS = Number(process.env['DIFFERENTIAL_RUNS'] ?? 36);
const WANTED_CALLS = 5_000;
const LIMIT_MS = 15 * 60_000;

const THEMES: Readonly<Record<string, Partial<Record<KindName, number>>>> = {
  'ConfigMaps, Secrets and ServiceAccounts': { configmaps: 3, secrets: 2, serviceaccounts: 1 },
  'Leases and Events': { leases: 2, events: 1 },
  Namespaces: { namespaces: 1 },
  Nodes: { nodes: 1 },
  'pods and their budgets': { pods: 3, budgets: 1 },
  UpdatePolicies: { policies: 1 },
  BottlerocketShadows: { shadows: 1 },
  'all that a rollout works with': { nodes: 3, pods: 2, budgets: 1, shadows: 3, policies: 1, leases: 1 },
};

let started = 0;
const fresh = (): string => `diff-${process.pid.toString(36)}-${++started}`;

function client(kubeconfig: string): KubernetesPort {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromString(kubeconfig);
  return createKubernetesClient({ kubeConfig, clock: systemClock });
}

interface Checked {
  calls: fc.Arbitrary<Call[]>;
  port: KubernetesPort;
  controllers: boolean;
  kinds?: readonly KindName[];
  runs: number;
}

/** Plays stories until one differs. @returns how many calls were made */
async function check({ calls, port, controllers, kinds = [], runs }: Checked): Promise<number> {
  let count = 0;
  const property = fc.asyncProperty(calls, async (story) => {
    count += story.length;
    const options = { namespace: fresh(), controllers };
    const [simulated, real] = await Promise.all([simulatedSide(options), realSide(port, options)]);
    try {
      await play(story, { simulated, real }, kinds);
    } finally {
      await simulated.stop();
      await real.stop();
    }
  });
  await fc.assert(property, { numRuns: runs, seed: SEED, interruptAfterTimeLimit: LIMIT_MS });
  return count;
}

describe.concurrent('both clusters say the same of', () => {
  let total = 0;
  const bare = client(inject('bareKubeconfig'));

  it.each(Object.entries(THEMES))(
    '%s',
    async (_, kinds) => {
      const count = await check({ calls: stories(kinds), port: bare, controllers: false, runs: RUNS });
      total += count;
    },
    LIMIT_MS,
  );

  it(
    'what controllers make of owners, finalizers and budgets',
    async () => {
      const port = client(readFileSync(inject('controlPlane').kubeconfig, 'utf8'));
      const kinds = ['configmaps', 'pods', 'budgets'] as const;
      const count = await check({
        calls: settledStories(),
        port,
        controllers: true,
        kinds,
        runs: Math.ceil(RUNS / 3),
      });
      total += count;
    },
    LIMIT_MS,
  );

  afterAll(() => {
    console.log(`${total} calls against each cluster`);
    expect(total).toBeGreaterThanOrEqual(WANTED_CALLS);
  });
});
