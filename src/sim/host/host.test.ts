import { describe, expect, it } from 'vitest';
import { mountSocket } from './mount.ts';
import type { PowerEvent } from './power.ts';
import { hostBed } from './testbed.ts';
import type { HostBed, HostBedOptions } from './testbed.ts';

const never = new AbortController().signal;

/** A host that is Ready to boot into 1.26.1. */
async function armedHost(options: HostBedOptions = {}): Promise<HostBed & { events: PowerEvent[] }> {
  const bed = hostBed(options);
  await bed.run('refresh');
  await bed.run('prepare');
  await bed.run('activate');
  const events: PowerEvent[] = [];
  bed.host.onPower((event) => events.push(event));
  return { ...bed, events };
}

describe('a reboot', () => {
  it('boots what was activated and forgets everything else', async () => {
    const { host, send, rebooted, events } = await armedHost();
    const { bootId } = host;
    expect(send('POST /actions/reboot')).toEqual({ status: 204, body: '' });
    expect(host.power).toBe('shuttingDown');
    await rebooted();
    expect(host.image.version).toBe('1.26.1');
    expect(host.bootId).not.toBe(bootId);
    expect(send('GET /updates/status').status).toBe(404);
    expect(events).toMatchObject([
      { type: 'stopping', bootId, version: '1.25.0' },
      { type: 'down', bootId, version: '1.25.0' },
      { type: 'up', bootId: host.bootId, version: '1.26.1', previous: { bootId, version: '1.25.0' } },
    ]);
    expect(host.slots).toMatchObject({
      A: { priority: 1, tries: 0, successful: true },
      B: { priority: 2, tries: 0, successful: true },
    });
  });

  it('of a host that was only staged boots what ran before', async () => {
    const bed = hostBed();
    await bed.run('refresh');
    await bed.run('prepare');
    bed.send('POST /actions/reboot');
    await bed.rebooted();
    expect(bed.host.image.version).toBe('1.25.0');
  });

  it('in the middle of prepare kills it, and the wiped slot never boots', async () => {
    const bed = hostBed();
    await bed.run('refresh');
    bed.send('POST /actions/prepare-update');
    await bed.clock.advance(15_000);
    bed.host.powerCycle();
    await bed.rebooted();
    expect(bed.host.image.version).toBe('1.25.0');
    expect(bed.host.slots.B).toMatchObject({ image: null, priority: 0 });
    expect(bed.host.locked).toBe(false);
  });

  it.each([
    ['204', { status: 204, body: '' }],
    ['exitCode15', { status: 500, body: 'Failed to reboot, exit code: 15, stderr: ' }],
    ['reset', { status: 0, body: '' }],
  ] as const)('that proceeds may be answered by %s', async (reply, expected) => {
    const { host, send, rebooted } = await armedHost();
    host.fault('rebootReply', { reply });
    expect(send('POST /actions/reboot')).toEqual(expected);
    await rebooted();
    expect(host.image.version).toBe('1.26.1');
  });

  it('is refused by a block inhibitor', async () => {
    const { host, send, clock, events } = await armedHost();
    host.fault('blockInhibitor');
    expect(send('POST /actions/reboot').body).toMatch(
      /^Failed to reboot, exit code: 1, stderr: Operation inhibited by /,
    );
    await clock.advance(600_000);
    expect(events).toEqual([]);
  });

  it('is delayed by a delay inhibitor, and meanwhile the API answers', async () => {
    const { host, send, clock, events } = await armedHost();
    host.fault('delayInhibitor');
    send('POST /actions/reboot');
    await clock.advance(299_000);
    expect(send('GET /updates/status').status).toBe(200);
    expect(events).toEqual([]);
    await clock.advance(60_000);
    expect(events.map((event) => event.type)).toEqual(['stopping', 'down', 'up']);
  });

  it('may be accepted and never happen', async () => {
    const { host, send, clock, events } = await armedHost();
    host.fault('rebootIgnored', { times: 1 });
    expect(send('POST /actions/reboot').status).toBe(204);
    await clock.advance(600_000);
    expect(events).toEqual([]);
    expect(host.apiUp).toBe(true);
  });

  it('asked for twice happens once', async () => {
    const { send, clock, events } = await armedHost();
    send('POST /actions/reboot');
    send('POST /actions/reboot');
    await clock.advance(600_000);
    expect(events.map((event) => event.type)).toEqual(['stopping', 'down', 'up']);
  });

  it('may change the boot id twice', async () => {
    const { host, send, rebooted, events } = await armedHost();
    host.fault('doubleReboot', { times: 1 });
    send('POST /actions/reboot');
    await rebooted();
    expect(events.map((event) => event.type)).toEqual(['stopping', 'down', 'up']);
    expect(host.image.version).toBe('1.26.1');
  });
});

describe('a release that does not boot', () => {
  it('panics and is rolled back by the boot loader, with another boot id each time', async () => {
    const { host, send, rebooted, clock, events, run, status } = await armedHost();
    host.fault('bootPanics', { version: '1.26.1' });
    const { bootId } = host;
    send('POST /actions/reboot');
    await rebooted();
    await clock.runUntil(() => host.power === 'on', 600_000);
    expect(events.map((event) => [event.type, event.version])).toEqual([
      ['stopping', '1.25.0'],
      ['down', '1.25.0'],
      ['panic', '1.26.1'],
      ['up', '1.25.0'],
    ]);
    expect(new Set([bootId, ...events.map((event) => event.bootId)]).size).toBe(3);
    await run('refresh');
    expect(status()).toMatchObject({
      update_state: 'Available',
      chosen_update: { version: '1.26.1' },
      active_partition: { next_to_boot: true },
      staging_partition: null,
    });
  });

  it('hangs in the migrator until somebody cuts the power, and falls back then', async () => {
    const { host, send, clock, events } = await armedHost();
    host.fault('bootHangs', { version: '1.26.1' });
    send('POST /actions/reboot');
    await clock.advance(3_600_000);
    expect(host.power).toBe('hung');
    expect(host.apiUp).toBe(false);
    host.powerCycle();
    await clock.advance(600_000);
    expect(host.image.version).toBe('1.25.0');
    expect(events.at(-1)).toMatchObject({ type: 'up', version: '1.25.0', previous: { version: '1.25.0' } });
  });
});

describe('a host whose power is switched off', () => {
  it('stays off until it is switched on, and boots then', async () => {
    const { host, clock, rebooted, events } = await armedHost();
    host.powerOff();
    await clock.advance(3_600_000);
    expect([host.power, host.apiUp, host.image.version]).toEqual(['off', false, '1.25.0']);
    host.powerOn();
    await rebooted();
    expect(host.image.version).toBe('1.26.1');
    expect(events.map((event) => event.type)).toEqual(['down', 'up']);
  });

  it('in the middle of its boot begins it anew', async () => {
    const { host, send, clock, rebooted, events } = await armedHost();
    send('POST /actions/reboot');
    await clock.runUntil(() => host.power === 'booting', 600_000);
    host.powerOff();
    await clock.advance(3_600_000);
    expect(host.power).toBe('off');
    host.powerOn();
    await rebooted();
    expect(events.map((event) => event.type)).toEqual(['stopping', 'down', 'up']);
  });

  it('is not switched on twice', async () => {
    const { host, clock, events } = await armedHost();
    host.powerOn();
    host.powerOff();
    host.powerOn();
    host.powerOn();
    await clock.advance(600_000);
    expect(events.map((event) => event.type)).toEqual(['down', 'up']);
  });
});

describe('the socket', () => {
  const os = { method: 'GET', path: '/os' };
  const ask = async (bed: HostBed, mount: ReturnType<typeof mountSocket>, signal = never) => {
    const reply = mount(os, signal);
    await bed.clock.advance(1_000);
    return reply;
  };

  it('answers', async () => {
    const bed = hostBed();
    expect(await ask(bed, mountSocket(bed.host))).toMatchObject({ kind: 'response', status: 200 });
  });

  it('is another one after a restart of the API: older mounts are dead for ever', async () => {
    const bed = hostBed();
    const mount = mountSocket(bed.host);
    bed.send('POST /actions/refresh-updates');
    bed.host.restartApi();
    expect(await ask(bed, mount)).toEqual({ kind: 'error', code: 'ECONNREFUSED' });
    expect(await ask(bed, mountSocket(bed.host))).toEqual({ kind: 'error', code: 'ENOENT' });
    await bed.clock.advance(60_000);
    expect(await ask(bed, mount)).toEqual({ kind: 'error', code: 'ECONNREFUSED' });
    expect(await ask(bed, mountSocket(bed.host))).toMatchObject({ kind: 'response' });
    expect(bed.host.status).toMatchObject({ update_state: 'Idle', most_recent_command: null });
  });

  it('is gone while the host reboots', async () => {
    const bed = hostBed();
    bed.host.powerCycle();
    await bed.clock.settle();
    expect(bed.host.apiUp).toBe(false);
    await bed.rebooted();
    expect(await ask(bed, mountSocket(bed.host))).toMatchObject({ kind: 'response' });
  });

  it('comes and goes with the fault apiDown', async () => {
    const bed = hostBed();
    let told = 0;
    bed.host.onSocket(() => (told += 1));
    bed.host.fault('apiDown', { forMs: 10_000 });
    expect(bed.host.apiUp).toBe(false);
    await bed.clock.advance(10_000);
    expect(bed.host.apiUp).toBe(true);
    bed.host.fault('apiDown');
    bed.host.clearFault();
    expect(bed.host.apiUp).toBe(true);
    expect(told).toBe(4);
  });

  it('carries a request out even when nobody waits for the answer any more', async () => {
    const bed = hostBed();
    const mount = mountSocket(bed.host);
    bed.host.fault('workerBlocked', { forMs: 20_000 });
    void mount({ method: 'POST', path: '/actions/refresh-updates' }, AbortSignal.abort());
    void mount({ method: 'POST', path: '/actions/refresh-updates' }, never);
    await bed.clock.advance(15_000);
    expect(bed.host.status).toBeUndefined();
    await bed.clock.advance(60_000);
    expect(bed.host.status?.update_state).toBe('Available');
  });

  it('may lose an answer to something that was done', async () => {
    const bed = hostBed();
    bed.host.fault('answerLost', { times: 1 });
    const reply = mountSocket(bed.host)({ method: 'POST', path: '/actions/refresh-updates' }, never);
    await bed.clock.advance(60_000);
    expect(await reply).toEqual({ kind: 'error', code: 'ECONNRESET' });
    expect(bed.host.status?.update_state).toBe('Available');
  });
});

/** All that happens in one update, as text. */
async function storyOf(seed: number): Promise<string> {
  const { host, send, rebooted, events } = await armedHost({ seed });
  send('POST /actions/reboot');
  await rebooted();
  return JSON.stringify([events, host.dump()]);
}

it('is a function of its seed', async () => {
  expect(await storyOf(42)).toBe(await storyOf(42));
  expect(await storyOf(42)).not.toBe(await storyOf(43));
});
