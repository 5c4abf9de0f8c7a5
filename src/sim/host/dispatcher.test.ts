import { describe, expect, it } from 'vitest';
import type { HostUpdateState } from './status.ts';
import { chronoTimestamp } from './status.ts';
import { hostBed } from './testbed.ts';
import type { HostBed } from './testbed.ts';

const COMMANDS = ['refresh', 'prepare', 'activate', 'deactivate'] as const;
type Command = (typeof COMMANDS)[number];

const PATHS: Record<HostUpdateState | 'none', readonly Command[]> = {
  none: [],
  Idle: ['refresh'],
  Available: ['refresh'],
  Staged: ['refresh', 'prepare'],
  Ready: ['refresh', 'prepare', 'activate'],
};

/** A host brought into a state by normal paths. */
async function hostIn(state: HostUpdateState | 'none'): Promise<HostBed> {
  const bed = hostBed(state === 'Idle' ? { running: '1.26.1' } : {});
  for (const command of PATHS[state]) await bed.run(command);
  return bed;
}

const image = (version: string) => ({ arch: 'x86_64', version, variant: 'aws-k8s-1.30' });
/** A status as compact JSON with a timestamp that always is the same. */
const text = (bed: HostBed): string =>
  bed.send('GET /updates/status').body.replace(/"timestamp":"[^"]+"/, '"timestamp":"T"');

describe('the transition table', () => {
  it.each<[HostUpdateState | 'none', Command, number, HostUpdateState]>([
    ['none', 'refresh', 204, 'Available'],
    ['none', 'prepare', 409, 'Idle'],
    ['none', 'activate', 409, 'Idle'],
    ['none', 'deactivate', 409, 'Idle'],
    ['Idle', 'refresh', 204, 'Idle'],
    ['Idle', 'prepare', 409, 'Idle'],
    ['Idle', 'activate', 409, 'Idle'],
    ['Idle', 'deactivate', 409, 'Idle'],
    ['Available', 'refresh', 204, 'Available'],
    ['Available', 'prepare', 204, 'Staged'],
    ['Available', 'activate', 409, 'Available'],
    ['Available', 'deactivate', 409, 'Available'],
    ['Staged', 'refresh', 204, 'Staged'],
    ['Staged', 'prepare', 204, 'Staged'],
    ['Staged', 'activate', 204, 'Ready'],
    ['Staged', 'deactivate', 409, 'Staged'],
    ['Ready', 'refresh', 204, 'Ready'],
    ['Ready', 'prepare', 409, 'Ready'],
    ['Ready', 'activate', 409, 'Ready'],
    ['Ready', 'deactivate', 204, 'Staged'],
  ])('%s: %s answers %i and leads to %s', async (...row) => {
    const [from, command, code, to] = row;
    const bed = await hostIn(from);
    expect(await bed.run(command)).toBe(code);
    expect(bed.status().update_state).toBe(to);
  });

  it.each<[HostUpdateState, Command, HostUpdateState]>([
    ['Idle', 'refresh', 'Idle'],
    ['Available', 'refresh', 'Idle'],
    ['Available', 'prepare', 'Available'],
    ['Staged', 'refresh', 'Staged'],
    ['Staged', 'prepare', 'Staged'],
    ['Staged', 'activate', 'Staged'],
    ['Ready', 'refresh', 'Ready'],
    ['Ready', 'deactivate', 'Ready'],
  ])('%s: %s without a repository leads to %s, and says why', async (from, command, to) => {
    const bed = await hostIn(from);
    const { chosen_update, available_updates } = bed.status();
    bed.host.fault('tufDown');
    expect(await bed.run(command)).toBe(204);
    expect(bed.status()).toMatchObject({
      update_state: to,
      chosen_update,
      available_updates,
      most_recent_command: { cmd_type: command, cmd_status: 'Failed', exit_status: 1 },
    });
    expect(bed.status().most_recent_command?.stderr).toMatch(/^Metadata error: Failed to fetch https:.*\n$/);
  });

  it('Staged without a choice: prepare is 404', async () => {
    const bed = await hostIn('Staged');
    await bed.set({ 'version-lock': '1.99.0' });
    await bed.run('refresh');
    expect(bed.status()).toMatchObject({ update_state: 'Staged', chosen_update: null });
    expect(bed.send('POST /actions/prepare-update')).toEqual({
      status: 404,
      body: 'Previously chosen Update no longer exists',
    });
  });
});

const record = (type: Command, stderr: string) =>
  `"most_recent_command":{"cmd_type":"${type}","cmd_status":"Success","timestamp":"T","exit_status":0,"stderr":${JSON.stringify(stderr)}}`;

describe('transcripts', () => {
  const available = '"available_updates":["1.26.1","1.25.0","1.24.1"]';
  const target = JSON.stringify(image('1.26.1'));
  const active = (next: boolean) =>
    `"active_partition":{"image":${JSON.stringify(image('1.25.0'))},"next_to_boot":${next}}`;
  const staging = (next: boolean) => `"staging_partition":{"image":${target},"next_to_boot":${next}}`;
  it('Idle, made by a refused command', async () => {
    const bed = hostBed();
    await bed.run('activate');
    expect(text(bed)).toBe(
      `{"update_state":"Idle","available_updates":[],"chosen_update":null,${active(true)},"staging_partition":null,"most_recent_command":null}`,
    );
  });
  it.each<[HostUpdateState, string]>([
    ['Available', `${active(true)},"staging_partition":null,${record('refresh', '')}`],
    ['Staged', `${active(true)},${staging(false)},${record('prepare', 'Starting update to 1.26.1\n')}`],
    ['Ready', `${active(false)},${staging(true)},${record('activate', '')}`],
  ])('%s', async (state, rest) => {
    const bed = await hostIn(state);
    expect(text(bed)).toBe(`{"update_state":"${state}",${available},"chosen_update":${target},${rest}}`);
  });
  it('Idle after a refresh with nothing to do lists what there is', async () => {
    const bed = await hostIn('Idle');
    expect(bed.status()).toMatchObject({
      available_updates: ['1.26.1', '1.25.0', '1.24.1'],
      chosen_update: null,
      most_recent_command: { cmd_type: 'refresh', cmd_status: 'Success' },
    });
  });
  it('timestamps as chrono prints them', () => {
    const at = Date.parse('2024-10-24T09:34:24.473Z');
    expect(chronoTimestamp(at, 99_404)).toBe('2024-10-24T09:34:24.473099404Z');
    expect(chronoTimestamp(at, 99_000)).toBe('2024-10-24T09:34:24.473099Z');
    expect(chronoTimestamp(at, 0)).toBe('2024-10-24T09:34:24.473Z');
    expect(chronoTimestamp(Date.parse('2024-10-24T09:34:24Z'), 0)).toBe('2024-10-24T09:34:24Z');
  });
});

describe('while a command runs', () => {
  it('everything is locked, and the first other answer is the result', async () => {
    const bed = await hostIn('Available');
    expect(bed.send('POST /actions/prepare-update').status).toBe(204);
    const answers = new Set<string>();
    while (bed.send('GET /updates/status').status === 423) {
      for (const command of ['refresh-updates', 'prepare-update', 'activate-update', 'deactivate-update'])
        answers.add(JSON.stringify(bed.send(`POST /actions/${command}`)));
      await bed.clock.advance(1_000);
    }
    expect([...answers]).toEqual([JSON.stringify({ status: 423, body: 'Update lock held' })]);
    expect(bed.status()).toMatchObject({
      update_state: 'Staged',
      most_recent_command: { cmd_type: 'prepare' },
    });
  });

  it('GET says so in these words, and /os answers all the same', async () => {
    const bed = await hostIn('Available');
    bed.send('POST /actions/prepare-update');
    expect(bed.send('GET /updates/status')).toEqual({
      status: 423,
      body: 'Unable to obtain shared lock for reading update status: Resource temporarily unavailable (os error 11)',
    });
    expect(bed.send('GET /os').status).toBe(200);
  });
});

describe('ways to be misled', () => {
  it('a success that changes nothing', async () => {
    const bed = await hostIn('none');
    bed.host.fault('badManifestJson', { times: 1 });
    await bed.run('refresh');
    expect(bed.status()).toMatchObject({
      update_state: 'Idle',
      available_updates: [],
      most_recent_command: { cmd_type: 'refresh', cmd_status: 'Success' },
    });
    bed.host.fault('badDispatcherToml', { times: 1 });
    await bed.run('refresh');
    expect(bed.status()).toMatchObject({ update_state: 'Idle', chosen_update: null });
    expect(bed.status().available_updates).toHaveLength(3);
  });

  it.each(['childCrash', 'updogMissing'] as const)('no trace at all: %s', async (fault) => {
    const bed = await hostIn('Available');
    const before = bed.status();
    bed.host.fault(fault, { times: 1 });
    expect(await bed.run('prepare')).toBe(204);
    expect(bed.status()).toEqual(before);
  });

  it('a choice that stays after a failed refresh, though prepare is refused', async () => {
    const bed = await hostIn('Available');
    bed.host.fault('tufDown', { times: 1 });
    await bed.run('refresh');
    expect(bed.status()).toMatchObject({ update_state: 'Idle', chosen_update: { version: '1.26.1' } });
    expect(await bed.run('prepare')).toBe(409);
  });

  it('an old system that records no failures', async () => {
    const bed = await hostIn('Available');
    const before = bed.status();
    bed.host.fault('silentFailure');
    bed.host.fault('writeError');
    await bed.run('prepare');
    expect(bed.status()).toEqual(before);
  });

  it('another client in between', async () => {
    const bed = await hostIn('Available');
    await bed.run('prepare');
    expect(bed.host.otherClient('refresh')).toBe('ok');
    await bed.clock.advance(60_000);
    expect(bed.status()).toMatchObject({
      update_state: 'Staged',
      most_recent_command: { cmd_type: 'refresh' },
    });
  });

  it('a shell that changes the partition table behind the status', async () => {
    const bed = await hostIn('Ready');
    bed.send('POST /actions/reboot');
    await bed.rebooted();
    await bed.run('refresh');
    expect(bed.host.rollbackFromShell()).toBe(true);
    expect(bed.status().active_partition?.next_to_boot).toBe(true);
    bed.host.powerCycle();
    await bed.rebooted();
    expect(bed.host.image.version).toBe('1.25.0');
  });

  it('a prepare that wrote another version than the status says', async () => {
    const bed = await hostIn('Available');
    await bed.set({ 'version-lock': '1.24.1' });
    await bed.run('prepare');
    expect(bed.status()).toMatchObject({
      update_state: 'Staged',
      staging_partition: { image: { version: '1.26.1' } },
      most_recent_command: { stderr: 'Starting update to 1.24.1\n' },
    });
    expect(bed.host.slots.B.image?.version).toBe('1.24.1');
  });

  it('a prepare that wrote nothing and says success', async () => {
    const bed = await hostIn('Available');
    await bed.set({ 'version-lock': '1.25.0' });
    await bed.run('prepare');
    expect(bed.status()).toMatchObject({
      update_state: 'Staged',
      most_recent_command: { cmd_status: 'Success', stderr: 'No update required\n' },
    });
    await bed.run('activate');
    expect(bed.status()).toMatchObject({
      update_state: 'Staged',
      most_recent_command: {
        cmd_status: 'Failed',
        stderr:
          'Could not mark inactive partition for boot: Inactive partition /dev/nvme0n1 has not been marked valid for upgrade\n',
      },
    });
  });
});

describe('faults of commands', () => {
  it('a write error leaves the slot wiped and the old record of it standing', async () => {
    const bed = await hostIn('Staged');
    bed.host.fault('writeError', { times: 1 });
    await bed.run('prepare');
    expect(bed.status()).toMatchObject({
      update_state: 'Staged',
      staging_partition: { image: { version: '1.26.1' } },
      most_recent_command: { cmd_status: 'Failed', exit_status: 1 },
    });
    expect(bed.status().most_recent_command?.stderr).toMatch(
      /^Starting update to 1.26.1\nFailed writing update data to disk: /,
    );
    expect(bed.host.slots.B).toMatchObject({ image: null, tries: 0 });
  });

  it('a killed updater is recorded with the signal as its exit status', async () => {
    const bed = await hostIn('Available');
    bed.host.fault('updogKilled', { commands: ['prepare'] });
    await bed.run('refresh');
    await bed.run('prepare');
    expect(bed.status().most_recent_command).toMatchObject({
      cmd_status: 'Failed',
      exit_status: 9,
      stderr: 'Starting update to 1.26.1\n',
    });
  });

  it.each([
    ['tufBlackHole', 'refresh', 50_000],
    ['hungDownload', 'prepare', 150_000],
  ] as const)('%s holds the lock for long, then fails', async (fault, command, ms) => {
    const bed = await hostIn('Available');
    bed.host.fault(fault, { times: 1 });
    bed.send(`POST /actions/${command === 'refresh' ? 'refresh-updates' : 'prepare-update'}`);
    await bed.clock.advance(ms - 1_000);
    expect(bed.send('GET /updates/status').status).toBe(423);
    await bed.clock.advance(20_000);
    expect(bed.status().most_recent_command).toMatchObject({ cmd_type: command, cmd_status: 'Failed' });
  });

  it('a slow download takes longer and succeeds', async () => {
    const bed = await hostIn('Available');
    bed.host.fault('slowDownload', { ms: 600_000 });
    bed.send('POST /actions/prepare-update');
    await bed.clock.advance(600_000);
    expect(bed.host.locked).toBe(true);
    await bed.clock.advance(120_000);
    expect(bed.status().update_state).toBe('Staged');
  });

  it('a variant with a single slot cannot stage', async () => {
    const bed = await hostIn('Available');
    bed.host.fault('singleSlot');
    await bed.run('prepare');
    expect(bed.status()).toMatchObject({ update_state: 'Available' });
    expect(bed.status().most_recent_command?.stderr).toContain('Could not find inactive partition set');
  });

  it.each([
    ['tbuMissing', 500, 'Unable to start the update dispatcher: No such file or directory (os error 2) '],
    ['gptUnreadable', 500, 'Update dispatcher failed'],
    ['corruptStatus', 500, 'Update dispatcher failed'],
    ['noLockDirectory', 500, 'Update dispatcher failed'],
    ['otherClientHoldsLock', 423, 'Update lock held'],
  ] as const)('%s refuses every command', (fault, status, body) => {
    const bed = hostBed();
    bed.host.fault(fault);
    expect(bed.send('POST /actions/refresh-updates')).toEqual({ status, body });
  });

  it.each([
    ['corruptStatus', 500, 'Update dispatcher failed'],
    ['noLockDirectory', 500, 'Unable to open update lock file: No such file or directory (os error 2)'],
    ['strangeStatus', 200, '{"update_state":"Rebooting"}'],
  ] as const)('%s spoils the status', async (fault, status, body) => {
    const bed = await hostIn('Available');
    bed.host.fault(fault);
    expect(bed.send('GET /updates/status')).toMatchObject({ status, body });
  });

  it('a lock that is held for a time is free afterwards', async () => {
    const bed = hostBed();
    bed.host.fault('otherClientHoldsLock', { forMs: 5_000 });
    await bed.clock.advance(4_999);
    expect(bed.host.locked).toBe(true);
    await bed.clock.advance(1);
    expect(bed.send('POST /actions/refresh-updates').status).toBe(204);
  });
});
