import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { withLock } from './lock.ts';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'brupop-lock-'));
  path = join(dir, 'lock');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test('two that want the lock work one after the other', async () => {
  let inside = 0;
  let most = 0;
  const holders: number[] = [];
  const work = async (): Promise<void> => {
    most = Math.max(most, ++inside);
    await Promise.resolve();
    inside--;
  };
  const both = [1, 2].map(() => withLock(path, work, (pid) => holders.push(pid)));
  await Promise.all(both);
  expect(most).toBe(1);
  expect(holders).toEqual([process.pid]);
  expect(existsSync(path)).toBe(false);
});

test('the lock of a process that died is taken over', async () => {
  // No process has this id: it is beyond the largest that Linux gives out.
  writeFileSync(path, '4194305');
  expect(await withLock(path, () => Promise.resolve('done'))).toBe('done');
});

test('the lock is given back when the work fails', async () => {
  await expect(withLock(path, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(existsSync(path)).toBe(false);
});
