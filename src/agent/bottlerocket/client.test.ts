import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import type { Clock } from '../../runtime/clock.ts';
import { HostClient, rebootAnswer } from './client.ts';
import type { HostReply, HostRequest } from './transport.ts';

/** A clock whose sleeps end only by abort, or at once when told to. */
const clockThat = (sleeps: 'forever' | 'atOnce'): Clock => ({
  now: () => 0,
  monotonic: () => 0,
  sleep: (_ms, signal) =>
    sleeps === 'atOnce'
      ? Promise.resolve()
      : new Promise((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(new Error('stopped')));
        }),
});

function hostThat(...replies: HostReply[]) {
  const seen: HostRequest[] = [];
  const client = new HostClient({
    clock: clockThat('forever'),
    transport: (request) => {
      seen.push(request);
      return Promise.resolve(replies.shift() ?? { kind: 'error', code: 'ECONNREFUSED' });
    },
  });
  return { client, seen };
}

const answers = (status: number, body: unknown = ''): HostReply => ({
  kind: 'response',
  status,
  body: typeof body === 'string' ? body : JSON.stringify(body),
});

const image = { arch: 'x86_64', version: '1.26.1', variant: 'aws-k8s-1.30' };
const staged = {
  update_state: 'Staged',
  available_updates: ['1.26.1', '1.25.0', '1.24.1'],
  chosen_update: image,
  active_partition: { image: { ...image, version: '1.25.0' }, next_to_boot: true },
  staging_partition: { image, next_to_boot: false },
  most_recent_command: {
    cmd_type: 'prepare',
    cmd_status: 'Success',
    timestamp: '2024-10-24T09:34:24.919308753Z',
    exit_status: 0,
    stderr: 'Starting update to 1.26.1\n',
  },
};

describe('what the host says', () => {
  it('reads a status with its command and both partitions', async () => {
    const { client } = hostThat(answers(200, staged));
    expect(await client.updateStatus()).toEqual({
      kind: 'ok',
      value: {
        updateState: 'Staged',
        availableUpdates: ['1.26.1', '1.25.0', '1.24.1'],
        chosenUpdate: image,
        activePartition: { image: { ...image, version: '1.25.0' }, nextToBoot: true },
        stagingPartition: { image, nextToBoot: false },
        mostRecentCommand: {
          type: 'prepare',
          status: 'Success',
          timestamp: '2024-10-24T09:34:24.919308753Z',
          exitStatus: 0,
          stderr: 'Starting update to 1.26.1\n',
        },
      },
    });
  });

  it.each([
    [423, 'locked'],
    [409, 'notAllowed'],
    [404, 'notFound'],
    [500, 'failed'],
    [418, 'failed'],
  ])('takes a %i for %s and keeps its words', async (status, kind) => {
    const { client } = hostThat(answers(status, 'w'.repeat(900)));
    expect(await client.command('prepare')).toMatchObject({ kind, text: 'w'.repeat(500) });
  });

  it.each([
    ['an unknown state', { ...staged, update_state: 'Rebooting' }],
    ['a state spelt otherwise', { ...staged, update_state: 'staged' }],
    ['a version as an object', { ...staged, chosen_update: { ...image, version: { major: 1 } } }],
    [
      'an unknown command',
      { ...staged, most_recent_command: { ...staged.most_recent_command, cmd_type: 'wipe' } },
    ],
    ['no list of updates', { ...staged, available_updates: null }],
    ['a list', [staged]],
    ['no JSON', '<html>'.padEnd(900, 'x')],
    ['nothing', ''],
  ])('hands up %s as its first 200 characters', async (_what, body) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const { client } = hostThat(answers(200, body));
    expect(await client.updateStatus()).toEqual({ kind: 'strange', text: text.slice(0, 200) });
  });

  it('survives every body of every read', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.string(), fc.json()),
        fc.integer({ min: 100, max: 999 }),
        async (body, status) => {
          for (const read of ['os', 'updateStatus', 'settings'] as const) {
            const { client } = hostThat(answers(status, body));
            expect(await client[read]()).toHaveProperty('kind');
          }
        },
      ),
    );
  });

  it('reads the running image and the settings', async () => {
    const { client, seen } = hostThat(
      answers(200, {
        arch: 'aarch64',
        build_id: '1',
        pretty_name: 'B',
        variant_id: 'metal-k8s-1.30',
        version_id: '1.25.0',
      }),
      answers(200, { updates: { 'version-lock': 'latest', 'ignore-waves': false } }),
    );
    expect(await client.os()).toMatchObject({
      value: { version: '1.25.0', variant: 'metal-k8s-1.30', arch: 'aarch64' },
    });
    expect(await client.settings()).toEqual({
      kind: 'ok',
      value: { versionLock: 'latest', ignoreWaves: false },
    });
    expect(seen[1]?.path).toBe('/settings?keys=settings.updates.version-lock,settings.updates.ignore-waves');
  });
});

describe('settings', () => {
  it('go in as one transaction of their own', async () => {
    const { client, seen } = hostThat(answers(204), answers(200, ['settings.updates.version-lock']));
    expect(await client.setSettings({ versionLock: '1.26.1' }, 'upd 1')).toEqual({
      kind: 'ok',
      value: ['settings.updates.version-lock'],
    });
    expect(seen).toEqual([
      { method: 'PATCH', path: '/settings?tx=upd%201', body: '{"updates":{"version-lock":"1.26.1"}}' },
      { method: 'POST', path: '/tx/commit_and_apply?tx=upd%201' },
    ]);
  });

  it('that the host refuses are not committed', async () => {
    const { client, seen } = hostThat(answers(400, 'Json deserialize error: x'));
    expect(await client.setSettings({ ignoreWaves: true }, 't')).toMatchObject({
      kind: 'failed',
      status: 400,
    });
    expect(seen).toHaveLength(1);
  });

  it('whose commit fails are dropped again', async () => {
    const { client, seen } = hostThat(answers(204), answers(500, 'no'), answers(200, []));
    expect(await client.setSettings({ ignoreWaves: true }, 't')).toMatchObject({
      kind: 'failed',
      status: 500,
    });
    expect(seen.map((r) => r.method)).toEqual(['PATCH', 'POST', 'DELETE']);
  });
});

const error = (code: string): HostReply => ({ kind: 'error', code });

describe('a reboot request', () => {
  it.each<[string, HostReply, object]>([
    ['204', answers(204), { kind: 'accepted', by: '204' }],
    [
      'exit code 15',
      answers(500, 'Failed to reboot, exit code: 15, stderr: '),
      { kind: 'accepted', by: 'exitCode15' },
    ],
    ['a reset', error('ECONNRESET'), { kind: 'accepted', by: 'connectionLost' }],
    ['a broken pipe', error('EPIPE'), { kind: 'accepted', by: 'connectionLost' }],
    ['silence', error('TIMEOUT'), { kind: 'accepted', by: 'timeout' }],
    ['an inhibitor', answers(500, 'Failed to reboot, exit code: 1, stderr: x'), { kind: 'refused' }],
    ['exit code 150', answers(500, 'Failed to reboot, exit code: 150, stderr: x'), { kind: 'refused' }],
    ['a missing shutdown', answers(500, 'Unable to start shutdown: y'), { kind: 'refused' }],
    ['no socket', error('ENOENT'), { kind: 'notDelivered', code: 'ENOENT' }],
    ['a dead socket', error('ECONNREFUSED'), { kind: 'notDelivered', code: 'ECONNREFUSED' }],
    ['another status', answers(404), { kind: 'strange' }],
    ['noise', { kind: 'garbage', text: 'noise' }, { kind: 'strange', text: 'noise' }],
  ])('answered by %s', (_what, reply, expected) => {
    expect(rebootAnswer(reply)).toMatchObject(expected);
  });
});

describe('time', () => {
  it('gives up on a host that does not answer, and tells the transport', async () => {
    let told = false;
    const client = new HostClient({
      clock: clockThat('atOnce'),
      transport: (_request, signal) =>
        new Promise(() => {
          signal.addEventListener('abort', () => (told = true));
        }),
    });
    expect(await client.os()).toEqual({ kind: 'unreachable', code: 'TIMEOUT' });
    expect(told).toBe(true);
  });

  it('ends with our own signal, before and during a request', async () => {
    const stop = new AbortController();
    const client = new HostClient({
      clock: clockThat('forever'),
      signal: stop.signal,
      transport: () => new Promise(() => undefined),
    });
    const during = client.os();
    stop.abort();
    expect(await during).toEqual({ kind: 'unreachable', code: 'ABORTED' });
    expect(await client.reboot()).toEqual({ kind: 'accepted', by: 'aborted' });
  });
});
