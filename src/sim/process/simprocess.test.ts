import { describe, expect, it } from 'vitest';
import { aborted } from '../../runtime/timers.ts';
import { VirtualClock } from '../clock.ts';
import { SimProcess } from './simprocess.ts';

const NOW = { afterAwaits: 0, at: 'before' } as const;

/** A process that says every second which life of it that is. */
function begin() {
  const world = new VirtualClock();
  const log: string[] = [];
  const process = new SimProcess({
    name: 'controller-0',
    world,
    clock: world.skewed(0),
    restartMs: 5_000,
    main: async (life, count) => {
      void aborted(life.signal).then(() => log.push(`${count} ends`));
      while (!life.signal.aborted) {
        await life.clock.sleep(1000);
        log.push(`${count} at ${world.monotonic() / 1000}`);
      }
    },
  });
  process.start();
  return { world, process, log };
}

describe('the supervisor of a process', () => {
  it('starts it again some time after it was killed', async () => {
    const { world, process, log } = begin();
    await world.advance(1500);
    process.kill(NOW, 2000);
    await world.advance(3500);
    expect(log).toEqual(['1 at 1', '2 at 4.5']);
  });

  it('starts it a second time while it lives, until the older one is ended', async () => {
    const { world, process, log } = begin();
    const end = process.duplicate();
    await world.advance(1000);
    end();
    await world.advance(1000);
    expect(log).toEqual(['1 at 1', '2 at 1', '2 at 2']);
    expect(process.lives).toHaveLength(1);
  });

  it('lets it go on where it was stopped', async () => {
    const { world, process, log } = begin();
    await world.advance(1500);
    process.freeze(NOW, 10_000);
    await world.advance(10_800);
    expect(log).toEqual(['1 at 1', '1 at 11.5']);
  });

  it('asks it to end, and kills what does not', async () => {
    const { world, process, log } = begin();
    process.terminate(60_000);
    await world.advance(2000);
    expect(log).toEqual(['1 ends', '1 at 1']);
    expect(process.lives).toHaveLength(0);
    const stubborn = new SimProcess({
      name: 'deaf',
      world,
      clock: world.skewed(0),
      main: () => new Promise(() => undefined),
    });
    stubborn.start();
    stubborn.terminate(60_000);
    await world.advance(40_000);
    expect(stubborn.lives).toHaveLength(0);
  });

  it('starts it no more once it is stopped', async () => {
    const { world, process, log } = begin();
    process.stop();
    await world.advance(60_000);
    expect(log).toEqual([]);
  });
});
