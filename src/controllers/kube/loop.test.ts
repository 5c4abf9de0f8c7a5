import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../runtime/log.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { Loop } from './loop.ts';

/** A loop that notes when it looked, and what it is told to answer. */
function looping(answers: (number | undefined | Error)[] = []) {
  const clock = new VirtualClock();
  const looks: number[] = [];
  const loop = new Loop({
    clock,
    random: () => 1,
    logger: silentLogger,
    pass: async () => {
      looks.push(clock.monotonic());
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  const abort = new AbortController();
  const ended = loop.run(abort.signal);
  return { clock, loop, looks, stop: () => abort.abort(), ended };
}

describe('a loop', () => {
  it('looks at once, and then rests', async () => {
    const { clock, looks } = looping();
    await clock.advance(60_000);
    expect(looks).toEqual([0]);
  });

  it('looks again when something changes, once for changes that come together', async () => {
    const { clock, loop, looks } = looping();
    await clock.advance(1_000);
    loop.trigger();
    loop.trigger();
    await clock.advance(10);
    loop.trigger();
    await clock.advance(1_000);
    expect(looks).toHaveLength(2);
  });

  it('looks again when the time has come', async () => {
    const { clock, looks } = looping([5_000]);
    await clock.advance(6_000);
    expect(looks).toEqual([0, 5_020]);
  });

  it('does not lose a change during a pass', async () => {
    const { clock, loop, looks } = looping();
    loop.trigger();
    await clock.advance(100);
    expect(looks).toHaveLength(2);
  });

  it('tries again after a failure, later each time', async () => {
    const fault = new Error('bug');
    const { clock, looks } = looping([fault, fault, fault]);
    await clock.advance(10_000);
    expect(looks).toEqual([0, 220, 640, 1_460]);
  });

  it('ends when it is told to', async () => {
    const { clock, looks, stop, ended } = looping();
    await clock.advance(100);
    stop();
    await ended;
    expect(looks).toHaveLength(1);
  });
});
