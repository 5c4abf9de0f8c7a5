import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isAlive } from './lock.ts';
import { Supervisor } from './supervisor.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'brupop-supervisor-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const shell = (name: string, script: string) => ({
  name,
  command: '/bin/sh',
  args: ['-c', script],
  logFile: join(dir, `${name}.log`),
});

describe('a supervisor', () => {
  test('keeps what a child wrote and how it ended', async () => {
    const supervisor = new Supervisor();
    const child = await supervisor.start(shell('talker', 'echo one; echo two >&2; exit 3'));
    expect(await child.ended).toEqual({ code: 3, signal: null });
    expect(child.tail()).toBe('one\ntwo');
    await supervisor.stopAll();
  });

  test('asks a child to end, and kills it when it does not', async () => {
    const supervisor = new Supervisor();
    const polite = await supervisor.start(shell('polite', 'exec sleep 60'));
    const deaf = await supervisor.start(shell('deaf', "trap '' TERM; echo up; while :; do sleep 60; done"));
    await expect.poll(() => deaf.tail()).toBe('up');
    expect(await polite.stop()).toEqual({ code: null, signal: 'SIGTERM' });
    expect(await deaf.stop({ graceMs: 50 })).toEqual({ code: null, signal: 'SIGKILL' });
    expect(supervisor.running).toEqual([]);
    await supervisor.stopAll();
  });

  test('removes its scratch directories, unless they are to be kept', async () => {
    const [gone = '', kept = ''] = ['gone', 'kept'].map((name) => join(dir, name));
    for (const path of [gone, kept]) mkdirSync(path);
    for (const [path, keepScratch] of [[gone, false] as const, [kept, true] as const]) {
      const supervisor = new Supervisor([path]);
      await supervisor.start(shell('sleeper', 'exec sleep 60'));
      await supervisor.stopAll({ signal: 'SIGKILL', keepScratch });
    }
    expect([existsSync(gone), existsSync(kept)]).toEqual([false, true]);
  });

  test('says which program could not be started', async () => {
    const supervisor = new Supervisor();
    const missing = { ...shell('missing', ''), command: join(dir, 'nothing') };
    await expect(supervisor.start(missing)).rejects.toThrow('missing could not be started');
    await supervisor.stopAll();
  });

  test('takes its children with it when it is killed', async () => {
    const scratch = join(dir, 'scratch');
    mkdirSync(scratch);
    const script = `
      const { Supervisor } = await import(${JSON.stringify(join(import.meta.dirname, 'supervisor.ts'))});
      const child = await new Supervisor([${JSON.stringify(scratch)}]).start({
        name: 'orphan', command: 'sleep', args: ['60'], logFile: ${JSON.stringify(join(dir, 'orphan.log'))},
      });
      console.log(child.pid);
      setInterval(() => undefined, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
    expect(isAlive(Number(line))).toBe(true);
    parent.kill('SIGKILL');
    await expect.poll(() => isAlive(Number(line)) || existsSync(scratch), { timeout: 5000 }).toBe(false);
  });
});
