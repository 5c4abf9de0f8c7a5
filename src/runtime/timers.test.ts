import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../sim/clock.ts';
import { aborted, linkAbort, raceAbort, sleepUnlessAborted, withTimeout } from './timers.ts';

describe('linkAbort', () => {
  test('follows its parent with the same reason', () => {
    const parent = new AbortController();
    const child = linkAbort(parent.signal);
    parent.abort('over');
    expect(child.signal.reason).toBe('over');
  });

  test('a parent that is over makes a child that is over', () => {
    expect(linkAbort(AbortSignal.abort('over')).signal.aborted).toBe(true);
  });

  test('can be aborted alone, and follows no more once released', () => {
    const parent = new AbortController();
    const [alone, released] = [linkAbort(parent.signal), linkAbort(parent.signal)];
    alone.abort('mine');
    released.release();
    expect(parent.signal.aborted).toBe(false);
    parent.abort();
    expect([alone.signal.reason, released.signal.aborted]).toEqual(['mine', false]);
  });
});

describe('withTimeout', () => {
  test('gives the result and leaves no timer behind', async () => {
    const clock = new VirtualClock();
    expect(await withTimeout({ clock, limitMs: 10 }, () => Promise.resolve('done'))).toBe('done');
    expect(clock.pending).toBe(0);
  });

  test('aborts the work and fails when time is up, even if the work does not listen', async () => {
    const clock = new VirtualClock();
    let signal: AbortSignal | undefined;
    const result = withTimeout({ clock, limitMs: 10 }, (given) => {
      signal = given;
      return new Promise<never>(() => undefined);
    });
    const failed = expect(result).rejects.toMatchObject({ code: 'timeout', limitMs: 10 });
    await clock.advance(10);
    await failed;
    expect(signal?.aborted).toBe(true);
  });

  test('passes on an abort and an error', async () => {
    const clock = new VirtualClock();
    const options = { clock, limitMs: 10, signal: AbortSignal.abort(new Error('stop')) };
    await expect(withTimeout(options, (signal) => Promise.reject(signal.reason as Error))).rejects.toThrow(
      'stop',
    );
  });
});

test('sleepUnlessAborted tells whether the time passed', async () => {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const [short, long] = [
    sleepUnlessAborted(clock, 5, stop.signal),
    sleepUnlessAborted(clock, 50, stop.signal),
  ];
  await clock.advance(10);
  stop.abort();
  expect([await short, await long]).toEqual([true, false]);
  await aborted(stop.signal);
});

describe('raceAbort', () => {
  const { signal } = new AbortController();

  test('gives what comes first', async () => {
    expect(await raceAbort(Promise.resolve('done'), signal)).toBe('done');
    await expect(raceAbort(Promise.reject(new Error('broken')), signal)).rejects.toThrow('broken');
  });

  test('waits no longer than the signal', async () => {
    const stop = new AbortController();
    const waiting = raceAbort(new Promise<never>(() => undefined), stop.signal);
    stop.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
    await expect(raceAbort(new Promise<never>(() => undefined), stop.signal)).rejects.toThrow('enough');
  });
});
