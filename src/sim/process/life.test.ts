import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock.ts';
import { ConnectionReset, Life, STRIKE_POINTS } from './life.ts';

function begin() {
  const world = new VirtualClock();
  const life = new Life('controller-0', world);
  const log: string[] = [];
  /** A request that takes effect after 10 ms and is answered after 20. */
  const request = (name: string) => async (): Promise<string> => {
    log.push(`${name} sent`);
    await world.sleep(10);
    log.push(`${name} done`);
    await world.sleep(10);
    return name;
  };
  const work = async (): Promise<void> => {
    for (const name of ['a', 'b', 'c']) log.push(`${await life.cross(request(name))} answered`);
  };
  return { world, life, log, work };
}

const FIRST = ['a sent', 'a done', 'a answered'];

describe('a process', () => {
  it.each([
    ['before', FIRST],
    ['sent', [...FIRST, 'b sent', 'b done']],
    ['answered', [...FIRST, 'b sent', 'b done']],
  ] as const)('that is killed at its second await, %s, goes no further', async (at, expected) => {
    const { world, life, log, work } = begin();
    life.strike({ afterAwaits: 2, at, hit: () => life.kill() });
    void work();
    await world.advance(1000);
    expect(log).toEqual(expected);
  });

  it.each(STRIKE_POINTS)(
    'that is stopped at its second await, %s, goes on as if nothing had been',
    async (at) => {
      const { world, life, log, work } = begin();
      life.strike({ afterAwaits: 2, at, hit: () => life.freeze() });
      void work();
      await world.advance(1000);
      expect(log).not.toContain('b answered');
      life.thaw();
      await world.advance(1000);
      expect(log.at(-1)).toBe('c answered');
    },
  );

  it('that is stopped sends nothing it had not sent', async () => {
    const { world, life, log, work } = begin();
    life.strike({ afterAwaits: 2, at: 'before', hit: () => life.freeze() });
    void work();
    await world.advance(1000);
    expect(log).toEqual(FIRST);
  });

  it('does not learn that it was asked to end while it is stopped, and never when it is dead', async () => {
    const { life } = begin();
    life.freeze();
    life.terminate();
    expect(life.signal.aborted).toBe(false);
    life.thaw();
    expect(life.signal.aborted).toBe(true);
    const dead = begin().life;
    dead.kill();
    dead.terminate();
    expect(dead.signal.aborted).toBe(false);
  });

  it('never wakes from a sleep in which it was killed', async () => {
    const { world, life, log } = begin();
    void life.clock.sleep(100).then(() => log.push('awake'));
    life.kill();
    await world.advance(1000);
    expect(log).toEqual([]);
  });

  it('that dies resets the connections of those it serves', async () => {
    const { world, life } = begin();
    const served = life.serve(() => life.cross(() => world.sleep(100)));
    const outcome = expect(served).rejects.toBeInstanceOf(ConnectionReset);
    await world.advance(50);
    life.kill();
    await outcome;
    await expect(life.serve(() => Promise.resolve())).rejects.toBeInstanceOf(ConnectionReset);
  });

  it('that is stopped answers when it goes on', async () => {
    const { world, life, log } = begin();
    life.freeze();
    void life.serve(() => Promise.resolve('late')).then((text) => log.push(text));
    await world.advance(1000);
    expect(log).toEqual([]);
    life.thaw();
    await world.advance(1);
    expect(log).toEqual(['late']);
  });
});
