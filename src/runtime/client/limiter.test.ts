import { expect, test } from 'vitest';
import { Limiter } from './limiter.ts';

const { signal: never } = new AbortController();

test('those who wait start in their order', async () => {
  const limiter = new Limiter(1);
  const started: string[] = [];
  await limiter.acquire(never);
  const first = limiter.acquire(never).then(() => started.push('first'));
  const second = limiter.acquire(never).then(() => started.push('second'));
  limiter.release();
  await first;
  expect(started).toEqual(['first']);
  limiter.release();
  await second;
  expect(started).toEqual(['first', 'second']);
});

test('who gives up waiting takes no place', async () => {
  const limiter = new Limiter(1);
  await limiter.acquire(never);
  const impatient = new AbortController();
  const waiting = limiter.acquire(impatient.signal);
  impatient.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  const next = limiter.acquire(never);
  limiter.release();
  await expect(next).resolves.toBeUndefined();
});

test('who comes with an aborted signal does not start', async () => {
  await expect(new Limiter(1).acquire(AbortSignal.abort(new Error('late')))).rejects.toThrow('late');
});
