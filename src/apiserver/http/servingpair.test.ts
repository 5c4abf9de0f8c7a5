import { mkdtemp, rename, rm, symlink, writeFile, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import type { Logger } from '../../runtime/log.ts';
import { silentLogger } from '../../runtime/log.ts';
import type { Pair } from './server.ts';
import { ServingPair } from './servingpair.ts';
import { testAuthority } from './testclient.ts';

const authority = testAuthority();

let directory: string;
let loaded: Pair[];
let outcomes: string[];
let warnings: number;
let serving: ServingPair;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'serving-'));
  loaded = [];
  outcomes = [];
  warnings = 0;
  const log: Logger = { ...silentLogger, warn: () => (warnings += 1) };
  serving = new ServingPair({
    directory,
    clock: systemClock,
    log,
    onLoaded: (pair) => loaded.push(pair),
    onOutcome: (outcome) => outcomes.push(outcome),
  });
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const write = async (pair: Pair, where = directory): Promise<void> => {
  await writeFile(join(where, 'tls.crt'), pair.cert);
  await writeFile(join(where, 'tls.key'), pair.key);
};

/** As kubelet writes a changed Secret: a new directory, and one link that is swapped. */
const generation = async (name: string, next: Pair): Promise<void> => {
  await mkdir(join(directory, name));
  await write(next, join(directory, name));
  await symlink(name, join(directory, '..data_tmp'));
  await rename(join(directory, '..data_tmp'), join(directory, '..data'));
};

describe('the serving pair', () => {
  it('is loaded once, and again when it has changed', async () => {
    const [first, second] = [authority.pair(1), authority.pair(2)];
    await write(first);
    await serving.look();
    await serving.look();
    await write(second);
    await serving.look();
    expect(loaded).toEqual([first, second]);
    expect(serving.current).toEqual(second);
    expect(outcomes).toEqual(['loaded', 'loaded']);
  });

  it('knows when it ends', async () => {
    const notAfterMs = Date.UTC(2040, 1, 2, 3, 4, 5);
    await write(authority.pair(1, notAfterMs));
    await serving.look();
    expect(serving.notAfterMs).toBe(notAfterMs);
  });

  const pair = authority.pair(1);
  it.each<[string, Partial<Pair>]>([
    ['no certificate', { cert: 'nothing' }],
    ['an empty certificate', { cert: '' }],
    ['half a certificate', { cert: pair.cert.slice(0, 200) }],
    ['no key', { key: 'nothing' }],
    ['the key of another', { key: authority.pair(2).key }],
  ])('is kept when what came has %s, and that is said once', async (_name, bad) => {
    await write(pair);
    await serving.look();
    await write({ ...authority.pair(3), ...bad });
    await serving.look();
    await serving.look();
    expect(serving.current).toEqual(pair);
    expect(outcomes).toEqual(['loaded', 'refused']);
    expect(warnings).toBe(1);
    await write(pair);
    await serving.look();
    expect(outcomes).toEqual(['loaded', 'refused']);
  });

  it('is kept when the files are gone', async () => {
    await write(pair);
    await serving.look();
    await rm(join(directory, 'tls.key'));
    await serving.look();
    expect(serving.current).toEqual(pair);
  });

  it('is waited for', async () => {
    await serving.look();
    expect(serving.current).toBeUndefined();
    await write(pair);
    await serving.look();
    expect(serving.current).toEqual(pair);
  });

  it('is seen when kubelet swaps the link to a mounted Secret', async () => {
    const [first, second] = [authority.pair(1), authority.pair(2)];
    await generation('..first', first);
    for (const file of ['tls.crt', 'tls.key']) await symlink(join('..data', file), join(directory, file));
    const stop = new AbortController();
    const run = serving.run(stop.signal);
    await expect.poll(() => serving.current).toEqual(first);
    await generation('..second', second);
    await expect.poll(() => serving.current, { timeout: 5000 }).toEqual(second);
    stop.abort();
    await run;
  });
});
