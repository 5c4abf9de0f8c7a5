import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HOST, machineBed, machineConfig } from './testbed.ts';
import type { BootOptions } from './boot.ts';

const states = ({ changes }: ReturnType<typeof machineBed>) => changes.map(({ state }) => state);

/** A Bottlerocket machine that is on. */
async function running() {
  const bed = machineBed(machineConfig({ host: HOST }));
  onTestFinished(() => bed.machine.close());
  await bed.machine.powerOn();
  return bed;
}

/** A boot that takes until its power is cut. */
const forEver = async ({ signal }: BootOptions): Promise<void> => {
  await once(signal, 'abort');
};

/** Resolves when the machine is in that state. */
const reaches = ({ machine }: ReturnType<typeof machineBed>, wanted: string): Promise<void> =>
  new Promise((resolve) => {
    if (machine.state === wanted) resolve();
    machine.onChange(({ state }) => state === wanted && resolve());
  });

describe('a machine that is switched on', () => {
  it('boots what is on its disk', async () => {
    const bed = await running();
    expect(states(bed)).toEqual(['booting', 'on']);
    expect(bed.boots).toMatchObject([{ version: '1.40.0', bootId: bed.machine.bootId }]);
    expect(bed.machine).toMatchObject({ state: 'on', pid: 100, version: '1.40.0' });
  });

  it('stays as it is when it is on', async () => {
    const bed = await running();
    await bed.machine.powerOn();
    expect(bed.boots).toHaveLength(1);
  });

  it('that does not boot is off again, and says why', async () => {
    const bed = machineBed(machineConfig({ host: HOST }));
    bed.during(() => Promise.reject(new Error('no network')));
    await expect(bed.machine.powerOn()).rejects.toMatchObject({
      code: 'failed',
      cause: { message: 'no network' },
    });
    expect(states(bed)).toEqual(['booting', 'off']);
    expect(bed.changes.at(-1)?.error?.message).toBe('node-1 did not boot');
    bed.during(() => Promise.resolve());
    await bed.machine.powerOn();
    expect(bed.machine.state).toBe('on');
    await bed.machine.close();
  });

  it('and off while it boots says that', async () => {
    const bed = machineBed(machineConfig({ host: HOST }));
    bed.during(forEver);
    const on = bed.machine.powerOn();
    const refused = expect(on).rejects.toMatchObject({ code: 'failed', message: 'node-1 was switched off' });
    await bed.machine.powerOff();
    await refused;
    expect(states(bed)).toEqual(['booting', 'off']);
  });
});

describe('a power cut', () => {
  it('ends everything without a word and cleans up', async () => {
    const bed = await running();
    await bed.machine.powerOff();
    expect(bed.boots[0]?.tree).toMatchObject({ killed: true, asked: false });
    expect(bed.emptied()).toBe(1);
    expect(bed.machine).toMatchObject({ state: 'off', pid: undefined });
    expect(() => bed.machine.enter(['sh'])).toThrow('node-1 is off');
  });

  it('and power again is another boot', async () => {
    const bed = await running();
    await bed.machine.powerOff();
    await bed.machine.powerOn();
    expect(states(bed)).toEqual(['booting', 'on', 'off', 'booting', 'on']);
    expect(bed.boots[1]?.bootId).not.toBe(bed.boots[0]?.bootId);
  });

  it('that leaves something behind is an error', async () => {
    const bed = machineBed(machineConfig({ host: HOST }), {
      emptyCgroup: () => Promise.reject(new Error('busy')),
    });
    await bed.machine.powerOn();
    await expect(bed.machine.powerOff()).rejects.toThrow('busy');
  });

  it('in the middle of a reboot keeps it down', async () => {
    const bed = await running();
    const refused = expect(bed.machine.reboot()).rejects.toMatchObject({ code: 'failed' });
    await bed.machine.powerOff();
    await refused;
    expect(states(bed)).toEqual(['booting', 'on', 'stopping', 'off']);
  });

  it('is noticed when somebody kills pid 1', async () => {
    const bed = await running();
    bed.boots[0]?.tree.end();
    await reaches(bed, 'off');
    expect(bed.changes.at(-1)?.error).toMatchObject({ code: 'failed', message: 'node-1 lost its pid 1' });
    expect(bed.machine.control({ do: 'dump' })).toMatchObject({ power: 'off', apiUp: false });
  });
});

describe('a reboot', () => {
  it('asks everything to end, and boots anew', async () => {
    const bed = await running();
    await bed.machine.reboot();
    expect(states(bed)).toEqual(['booting', 'on', 'stopping', 'booting', 'on']);
    expect(bed.boots[0]?.tree).toMatchObject({ asked: true, killed: true });
    expect(bed.boots[1]?.bootId).toBe(bed.machine.bootId);
    expect(bed.machine.pid).toBe(101);
  });

  it('of a machine that is off is refused', async () => {
    const { machine } = machineBed(machineConfig({ host: HOST }));
    await expect(machine.reboot()).rejects.toMatchObject({ code: 'notOn' });
  });

  it('of an ordinary machine is one, too', async () => {
    const bed = machineBed(machineConfig());
    await bed.machine.powerOn();
    const before = bed.machine.bootId;
    await bed.machine.reboot();
    expect(states(bed)).toEqual(['booting', 'on', 'stopping', 'booting', 'on']);
    expect(bed.machine.bootId).not.toBe(before);
    expect(bed.machine.version).toBeUndefined();
    await bed.machine.close();
  });

  it('that hangs ends with a power cycle', async () => {
    const bed = await running();
    bed.machine.control({ do: 'fault', name: 'bootHangs' });
    await bed.machine.reboot();
    expect(bed.machine).toMatchObject({ state: 'hung', pid: undefined });
    bed.machine.control({ do: 'clear' });
    bed.machine.control({ do: 'powerCycle' });
    await reaches(bed, 'on');
    expect(states(bed).slice(2)).toEqual(['stopping', 'booting', 'hung', 'booting', 'on']);
  });

  it('that hangs can be switched off', async () => {
    const bed = await running();
    bed.machine.control({ do: 'fault', name: 'bootHangs' });
    await bed.machine.reboot();
    await bed.machine.powerOff();
    expect(bed.machine.state).toBe('off');
  });
});

describe('the host of a machine', () => {
  it('reboots it into what was activated', async () => {
    const bed = await running();
    const { machine } = bed;
    for (const command of ['refresh', 'prepare', 'activate'] as const) {
      machine.control({ do: 'otherClient', command });
      await expect.poll(() => machine.control({ do: 'dump' })).toMatchObject({ locked: false });
    }
    machine.control({ do: 'reboot' });
    await expect.poll(() => machine.version).toBe('1.41.0');
    await reaches(bed, 'on');
    expect(bed.boots[1]).toMatchObject({ version: '1.41.0' });
  });

  it('is not there on an ordinary machine', () => {
    const { machine } = machineBed(machineConfig());
    expect(() => machine.control({ do: 'dump' })).toThrow('node-1 is no Bottlerocket host');
  });

  it('can be given faults but no power before the first power-on', () => {
    const { machine } = machineBed(machineConfig({ host: HOST }));
    machine.control({ do: 'fault', name: 'tufDown' });
    expect(machine.control({ do: 'dump' })).toMatchObject({ faults: ['tufDown'] });
    expect(() => machine.control({ do: 'reboot' })).toThrow('was not switched on');
  });
});
