/**
 * What the operator costs on a real cluster: three Bottlerocket machines, a web application on them, one rollout. The
 * shipped manifests are used unchanged but for the boot id (hack/cluster/overlay).
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { rolloutCosts } from '../../../src/sim/timeline/costs.ts';
import { bringUp } from '../../cluster/story/bringup.ts';
import { RealCluster } from '../../cluster/story/cluster.ts';
import { makeImage } from '../../cluster/story/image.ts';
import { namespace, SHOP, webApp } from '../../cluster/story/objects.ts';
import { Story } from '../../cluster/story/story.ts';
import type { Context } from '../context.ts';
import { round, type Figure } from '../figure.ts';
import { difference, divide, type Requests } from '../rollout/requests.ts';
import { archivePullBytes } from './archive.ts';
import { COMPONENTS, Usage } from './usage.ts';

const OVERLAY = join(import.meta.dirname, '..', '..', '..', 'hack', 'cluster', 'overlay');
const [OLD, NEW] = ['1.40.0', '1.41.0'];
const MACHINES = 3;
/** Of the hosts, always the same: it is no merit and no fault of ours. */
const STAGING = { refreshMs: 400, prepareMs: 2_000, activateMs: 300 };
const STAGING_MS = STAGING.refreshMs + STAGING.prepareMs + STAGING.activateMs;
const STABLE_MS = 5_000;
const SETTLE_MS = 30_000;
const IDLE_MS = 60_000;
const LOOK_MS = 3_000;
const LIMIT_MS = 300_000;
const MIB = 1024 * 1024;
const BUDGETS: Readonly<Record<string, number>> = {
  'cluster-agent-working-set': 24,
  'cluster-agent-cpu': 5,
};

/** Looks again and again until `done`. */
async function lookUntil(usage: Usage, done: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  const end = done.finally(() => over.abort());
  // Who awaits it hears of its failure.
  end.catch(() => undefined);
  while (!over.signal.aborted) {
    await usage.look();
    await pause(LOOK_MS, undefined, { signal: over.signal }).catch(() => undefined);
  }
  await end;
  await usage.look();
}

function usageFigures(usage: Usage, when: '' | '-rollout'): Figure[] {
  return COMPONENTS.flatMap((component) => {
    const { workingSetBytes, millicores } = usage.of(component);
    const [memory, cpu] = [`cluster-${component}-working-set${when}`, `cluster-${component}-cpu${when}`];
    return [
      withBudget({ name: memory, value: round(workingSetBytes / MIB), unit: 'MiB' }),
      withBudget({ name: cpu, value: round(millicores), unit: 'millicores' }),
    ];
  });
}

const withBudget = (figure: Figure): Figure => {
  const budget = BUDGETS[figure.name];
  return budget === undefined ? figure : { ...figure, budget };
};

function requestFigures(requests: Requests): Figure[] {
  const { counted } = divide(requests);
  const total = [...counted.values()].reduce((all, count) => all + count, 0);
  return [
    { name: 'cluster-requests-per-node', value: round(total / MACHINES), unit: 'per node', budget: 30 },
  ];
}

const seconds = (name: string, ms: number): Figure => ({
  name: `cluster-${name}`,
  value: round(ms / 1_000),
  unit: 's',
});

function timeFigures(story: Story, beginMs: number): Figure[] {
  const { totalMs, leavingMs, rebootMs, restMs } = rolloutCosts(story.timeline, beginMs);
  return [
    seconds('three-machines', totalMs * MACHINES),
    seconds('staging-seconds-per-node', STAGING_MS),
    seconds('drain-seconds-per-node', leavingMs),
    seconds('reboot-seconds-per-node', rebootMs),
    seconds('stable-seconds-per-node', STABLE_MS),
    { ...seconds('own-seconds-per-node', restMs - STAGING_MS - STABLE_MS), budget: 5 },
  ];
}

async function measure(cluster: RealCluster, progress: Context['progress']): Promise<Figure[]> {
  const story = await Story.begin(cluster, {
    title: 'What a rollout costs',
    about: 'Three machines with a web application are updated one at a time, and nothing goes wrong.',
  });
  try {
    await story.apply(namespace(SHOP), ...webApp({ name: 'web', replicas: MACHINES, minAvailable: 2 }));
    await story.waitFor('every host is offered the new version', LIMIT_MS, async () =>
      [...(await story.shadows()).values()].every(({ status }) => status?.target_version === NEW),
    );
    await pause(SETTLE_MS);
    progress(`cluster: idle for ${IDLE_MS / 1_000} s`);
    const idle = new Usage(cluster);
    await lookUntil(idle, pause(IDLE_MS));
    progress(`cluster: updating ${MACHINES} machines`);
    const busy = new Usage(cluster);
    await busy.look();
    const before = busy.requests;
    const beginMs = Date.now();
    const spec = { health: { stableFor: `${STABLE_MS / 1_000}s` } };
    await lookUntil(
      busy,
      story.applyPolicy('cost', spec).then(() => story.updatedTo(NEW, LIMIT_MS)),
    );
    return [
      ...usageFigures(idle, ''),
      ...usageFigures(busy, '-rollout'),
      ...timeFigures(story, beginMs),
      ...requestFigures(difference(busy.requests, before)),
    ];
  } finally {
    await story.end();
  }
}

export async function benchCluster({ progress, signal }: Context): Promise<Figure[]> {
  const scratch = await mkdtemp(join(tmpdir(), 'brupop-bench-'));
  try {
    const image = await makeImage(scratch);
    const pull = (await archivePullBytes(image)) / 1e6;
    signal.throwIfAborted();
    const running = await bringUp({
      name: `bench-${process.pid}`,
      machines: MACHINES,
      ordinary: 1,
      image,
      progress,
      releases: [OLD, NEW],
      durations: STAGING,
      overlay: OVERLAY,
    });
    const cluster = await RealCluster.open(running.dir);
    try {
      return [
        { name: 'cluster-image-pull', value: round(pull), unit: 'MB', budget: 55 },
        ...(await measure(cluster, progress)),
      ];
    } finally {
      await cluster.close();
      await running.putAway();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
