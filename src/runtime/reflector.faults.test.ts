/** The reflector against a cluster in memory that fails in every way a real one does. */
import { expect, test } from 'vitest';
import { ConfigMaps, type ConfigMap } from '../api/core.ts';
import { VirtualClock } from '../sim/clock.ts';
import type { Call, Fault } from '../sim/cluster/call.ts';
import { SimCluster } from '../sim/cluster/cluster.ts';
import { pick, randomInt, seededRandom, type SeededRandom } from '../sim/random.ts';
import { KubernetesError } from './kubernetes.ts';
import { silentLogger } from './log.ts';
import { Reflector } from './reflector.ts';
import { keyText } from './store.ts';

const FAULTY_MS = 20 * 60_000;
/** Silence found, back-off, one list: after so long without faults the copy must be right. */
const HEALING_MS = 3 * 60_000;
const SELECTION = { namespace: 'default', labelSelector: 'kept=yes' };

const faultOf = (random: SeededRandom, { verb }: Call): Fault | undefined => {
  if (random() < 0.4) return undefined;
  const error = new KubernetesError(pick(random, ['server', 'throttled', 'expired', 'forbidden']), 'fault', {
    ...(random() < 0.5 && { retryAfterMs: randomInt(random, 5_000) }),
  });
  const faults: Fault[] = [{ error }, { loseRequest: true }, { loseResponse: true }];
  if (verb === 'watch') {
    const cutAfterMs = randomInt(random, 60_000);
    faults.push({ cutAfterMs }, { cutAfterMs, cutError: error }, { stallAfterMs: cutAfterMs });
  }
  return pick(random, faults);
};

const versions = (objects: Iterable<ConfigMap>): Map<string, string | undefined> =>
  new Map([...objects].map((object) => [keyText(object.metadata), object.metadata.resourceVersion]));

test.each(Array.from({ length: 25 }, (_, seed) => seed))('seed %i: the copy heals', async (seed) => {
  const clock = new VirtualClock();
  const random = seededRandom(seed);
  // A short memory makes watches and pages expire.
  const cluster = new SimCluster({ clock, seed, historyMs: 30_000 });
  const writer = cluster.client('writer');
  const faultRandom = random.fork('faults');
  const port = cluster.client({ name: 'reader', faults: (call) => faultOf(faultRandom, call) });
  const reflector = new Reflector({
    port,
    resource: ConfigMaps,
    selection: SELECTION,
    clock,
    random,
    logger: silentLogger,
    pageSize: 3,
    indexes: { color: (object: ConfigMap) => [object.data?.['color'] ?? ''] },
  });
  const told = new Map<string, ConfigMap>();
  reflector.onChange((key, old, object) => {
    // Changes have no gaps: what is told as old was told as new before.
    expect(old?.metadata.resourceVersion).toBe(told.get(key)?.metadata.resourceVersion);
    if (object === undefined) told.delete(key);
    else told.set(key, object);
  });
  const stop = new AbortController();
  const running = reflector.run(stop.signal);

  const write = async (): Promise<string | undefined> => {
    const key = { name: `m${randomInt(random, 12)}`, namespace: 'default' };
    const labels = { kept: pick(random, ['yes', 'yes', 'no']) };
    const data = { color: pick(random, ['red', 'blue']) };
    if (cluster.peek(ConfigMaps, key) === undefined)
      return (await writer.create(ConfigMaps, { metadata: { ...key, labels }, data })).metadata
        .resourceVersion;
    if (random() < 0.3) {
      await writer.delete(ConfigMaps, key);
      return undefined;
    }
    return (await writer.patch(ConfigMaps, key, { metadata: { labels }, data })).metadata.resourceVersion;
  };

  let last: string | undefined;
  const writing = (async () => {
    while (clock.monotonic() < FAULTY_MS) {
      last = (await write()) ?? last;
      await clock.sleep(randomInt(random, 8_000));
    }
  })();
  await clock.run(FAULTY_MS);
  port.faults = undefined;
  await clock.advance(HEALING_MS);
  await writing;

  const selected = cluster
    .peekAll(ConfigMaps)
    .filter(({ metadata }) => metadata.namespace === 'default' && metadata.labels?.['kept'] === 'yes');
  const live = versions(selected);
  expect(versions(reflector.store.list())).toEqual(live);
  expect(versions(told.values())).toEqual(live);
  expect(last !== undefined && reflector.passed(last)).toBe(true);
  const colored = ['red', 'blue'].flatMap((color) => reflector.store.byIndex('color', color));
  expect(versions(colored)).toEqual(live);
  expect(clock.monotonic() - (reflector.lastContactMonotonicMs ?? 0)).toBeLessThan(100_000);
  stop.abort();
  await clock.settle();
  await running;
});
