import { defineConfig } from 'vitest/config';

/** One project a kind of test, so that each can be run by itself: `npx vitest run --project unit`. */
const project = (name: string, include: string[], extra: Record<string, unknown> = {}) => ({
  test: { name, include, environment: 'node' as const, ...extra },
});

export default defineConfig({
  test: {
    projects: [
      project(
        'unit',
        ['src/**/*.test.ts', 'hack/**/*.test.ts', 'test/{boundaries,gitops,mutants}/**/*.test.ts'],
        {
          testTimeout: 20_000,
          // No import has an effect, so files can share a process.
          isolate: false,
        },
      ),
      project('sim', ['test/sim/**/*.test.ts'], { testTimeout: 120_000 }),
      project('model', ['test/model/**/*.test.ts'], { testTimeout: 180_000, maxWorkers: 2 }),
      project('contract', ['test/contract/**/*.test.ts'], {
        testTimeout: 60_000,
        hookTimeout: 120_000,
        globalSetup: ['test/support/controlplane.ts'],
      }),
      project('differential', ['test/differential/**/*.test.ts'], {
        testTimeout: 300_000,
        hookTimeout: 120_000,
        globalSetup: ['test/support/controlplane.ts', 'test/support/bareplane.ts'],
      }),
      project('fuzz', ['test/fuzz/**/*.test.ts'], { testTimeout: 300_000 }),
      project('envtest', ['test/envtest/**/*.test.ts'], {
        testTimeout: 120_000,
        hookTimeout: 120_000,
        globalSetup: ['test/support/controlplane.ts'],
      }),
      project('image', ['test/image/**/*.test.ts'], {
        testTimeout: 300_000,
        hookTimeout: 300_000,
        globalSetup: ['test/image/preflight.ts'],
      }),
      project('cluster', ['test/cluster/*.test.ts'], { testTimeout: 600_000, hookTimeout: 300_000 }),
      project('stories', ['test/cluster/scenarios/**/*.test.ts'], {
        testTimeout: 300_000,
        hookTimeout: 600_000,
        globalSetup: ['test/cluster/scenarios/setup.ts'],
      }),
      project('e2e', ['test/e2e/**/*.test.ts'], {
        testTimeout: 300_000,
        hookTimeout: 180_000,
        globalSetup: ['test/support/world.ts'],
      }),
    ],
  },
});
