import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { IncomingMessage } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ClusterClient } from '../../hack/cluster/daemon/client.ts';
import { locatePrograms } from '../../hack/programs/controlplane.ts';
import { locateMachinePrograms } from '../../hack/programs/machine.ts';
import { cluster, daemonOf, tracesOf, type Outcome } from './commandline.ts';

const [first, second] = [`t${process.pid}-a`, `t${process.pid}-b`];
let stateHome: string;
const run = (...args: string[]): Promise<Outcome> => cluster({ stateHome }, ...args);
const one = ['--machines', '1', '--ordinary', '0'];
const upOf = (name: string): string[] => ['up', '--name', name, ...one];
const up = (name: string): Promise<Outcome> => run(...upOf(name));
const down = (name: string): Promise<Outcome> => run('down', '--name', name);
const clientOf = (name: string): ClusterClient =>
  new ClusterClient(join(stateHome, 'brupop', 'clusters', name));

/** A directory with the programs that there are, and others in the place of some. */
async function assetsWith(others: Record<string, string>): Promise<string> {
  const programs = { ...(await locatePrograms()), ...(await locateMachinePrograms()) };
  const dir = mkdtempSync(join(stateHome, 'assets-'));
  for (const path of Object.values(programs)) {
    if (others[basename(path)] === undefined) symlinkSync(path, join(dir, basename(path)));
  }
  for (const [name, script] of Object.entries(others)) {
    writeFileSync(join(dir, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  return dir;
}

beforeAll(() => {
  stateHome = mkdtempSync(join(tmpdir(), 'brupop-harness-'));
});
afterAll(() => rmSync(stateHome, { recursive: true, force: true }));

describe('two clusters side by side', () => {
  beforeAll(async () => {
    for (const name of [first, second]) expect(await up(name)).toMatchObject({ code: 0 });
  });
  afterAll(async () => {
    for (const name of [first, second]) await down(name);
    expect([...tracesOf(first, stateHome), ...tracesOf(second, stateHome)]).toEqual([]);
  });

  test('have the same addresses, and machines of their own', async () => {
    for (const name of [first, second]) {
      const get = ['get', 'nodes', '--no-headers', '-o', 'wide'];
      const { stdout, code } = await run('kubectl', '--name', name, ...get);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^node-1 +Ready .* 10\.99\.0\.11 .*Bottlerocket OS 1\.40\.0/);
    }
  });

  test('cannot be started twice', async () => {
    const { code, stderr } = await up(first);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^The cluster .* runs already \(process \d+\); .* down --name .*\n$/);
  });

  test('pass on exit codes', async () => {
    const missing = await run('kubectl', '--name', first, 'get', 'node', 'nobody');
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('not found') as string });
    expect(await run('shell', '--name', first, '--', 'sh', '-c', 'exit 7')).toMatchObject({ code: 7 });
    expect(await run('machine', '1', 'shell', '--name', first, 'hostname')).toMatchObject({
      code: 0,
      stdout: 'node-1\n',
    });
    expect(await run('machine', '4', 'reboot', '--name', first)).toMatchObject({
      code: 1,
      stderr: 'No machine is called node-4; there are node-1.\n',
    });
  });

  test('lose and regain power, one machine at a time', async () => {
    const bootId = async (): Promise<string | undefined> =>
      (await clientOf(first).status()).machines[0]?.bootId;
    const before = await bootId();
    expect(await run('machine', '1', 'power-off', '--name', first)).toMatchObject({ code: 0 });
    expect((await run('status', '--name', first)).stdout).toMatch(/node-1 +off +1\.40\.0/);
    expect(await run('machine', '1', 'power-on', '--name', first)).toMatchObject({ code: 0 });
    expect((await clientOf(first).status()).machines[0]).toMatchObject({ name: 'node-1', state: 'on' });
    expect(await bootId()).not.toBe(before);
    expect((await clientOf(second).status()).machines[0]).toMatchObject({ ready: true, bootId: before });
  });

  test('are reached from outside by a port of loopback', async () => {
    const client = clientOf(second);
    const port = await client.forward('10.99.0.1', 6443);
    try {
      // Who is unknown may know the version, and nothing else.
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        const options = { host: 'localhost', port, path: '/version', rejectUnauthorized: false };
        request(options, resolve).once('error', reject).end();
      });
      expect(await text(answer)).toContain('"gitVersion": "v1.');
    } finally {
      client.close();
    }
  });

  test('lose and regain parts of the control plane', async () => {
    const client = clientOf(second);
    await client.component('kube-apiserver', 'away');
    expect(Object.keys((await client.status()).components)).not.toContain('kube-apiserver');
    await client.component('kube-apiserver', 'back');
    await expect
      .poll(async () => (await client.status()).machines[0]?.ready, { timeout: 30_000, interval: 200 })
      .toBe(true);
  });

  test('end with their daemon, whatever ends it, and without a word to each other', async () => {
    process.kill(daemonOf(first), 'SIGKILL');
    await expect.poll(async () => (await run('status', '--name', first)).code, { timeout: 10_000 }).toBe(1);
    const left = tracesOf(first, stateHome);
    expect(left.filter((each) => !each.includes('/brupop'))).toEqual([]);
    expect(left.length).toBeGreaterThan(1);

    const again = await up(first);
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/^An earlier run left something of .* behind; .* down --name .*\n$/);
    expect((await clientOf(second).status()).machines[0]).toMatchObject({ ready: true });

    expect(await down(first)).toMatchObject({ code: 0, stderr: `The cluster ${first} is gone.\n` });
    expect(tracesOf(first, stateHome)).toEqual([]);
    expect(await down(first)).toMatchObject({ code: 0, stderr: `There was no cluster ${first}.\n` });
  });
});

describe('a start that does not succeed', () => {
  const name = `t${process.pid}-c`;
  afterEach(async () => {
    await down(name);
    expect(tracesOf(name, stateHome)).toEqual([]);
  });
  const running = (): string[] => tracesOf(name, stateHome).filter((each) => !each.startsWith(stateHome));

  test('says why in a sentence, keeps the logs and nothing else', async () => {
    const assets = await assetsWith({ 'kube-apiserver': 'echo no disk today >&2; exit 3' });
    const outcome = await cluster({ stateHome, env: { BRUPOP_ASSETS: assets } }, 'up', '--name', name);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(
      /The cluster .* did not come up: kube-apiserver ended .*: no disk today\n/,
    );
    expect(outcome.stderr).toContain(`Logs: ${join(stateHome, 'brupop', 'clusters', name, 'logs')}`);
    expect(running()).toEqual([]);
    // The logs are in nobody's way.
    expect(await up(name)).toMatchObject({ code: 0 });
  });

  test('is over when it is interrupted', async () => {
    let interrupted = false;
    const outcome = await cluster(
      {
        stateHome,
        onProgress: (said, child) => {
          if (interrupted || !said.includes('Starting 1 machine')) return;
          interrupted = true;
          child.kill('SIGINT');
        },
      },
      ...upOf(name),
    );
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/was interrupted\.\n$/);
    expect(tracesOf(name, stateHome)).toEqual([]);
  });

  test('is over when its archive is no image', async () => {
    const archive = join(stateHome, 'broken.tar');
    writeFileSync(archive, 'no archive');
    const outcome = await run('up', '--name', name, ...one, '--image', archive);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(/did not come up: .*broken\.tar/);
    expect(running()).toEqual([]);
  });
});

describe('nothing is begun', () => {
  const name = `t${process.pid}-d`;
  const refused = async (outcome: Promise<Outcome>, sentence: RegExp): Promise<void> => {
    const { code, stderr } = await outcome;
    expect(stderr).toMatch(sentence);
    expect(code).toBeGreaterThan(0);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(tracesOf(name, stateHome)).toEqual([]);
  };

  test('without root', () =>
    refused(
      cluster({ stateHome, under: ['setpriv', '--reuid=65534', '--clear-groups'] }, ...upOf(name)),
      /Only root .*: run it with sudo\.$/m,
    ));

  test('without a program of Debian', () =>
    refused(
      cluster(
        {
          stateHome,
          under: ['unshare', '-m', 'sh', '-c', 'mount --bind /dev/null "$(command -v runc)"; exec "$@"', '-'],
        },
        ...upOf(name),
      ),
      /lacks runc: apt-get install runc\.$/m,
    ));

  test('without the archive', () =>
    refused(
      run('up', '--name', name, '--image', join(stateHome, 'nowhere.tar')),
      /nowhere\.tar cannot be read: make it with npm run image\.$/m,
    ));

  test.each([
    [['up', '--name', 'Über'], /The name of a cluster is made of a-z/],
    [['up', '--machines', 'three'], /A number from 0 to/],
    [['up', '--name', name, '--machines', '0', '--ordinary', '0'], /1 to 200 machines, not 0/],
    [['status', '--name', name], /No cluster .* runs; start one: npm run cluster -- up --name/],
    [['explode'], /unknown command 'explode'/],
  ])('%j', (args, sentence) => refused(run(...args), sentence));
});
