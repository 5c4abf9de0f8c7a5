/** Runs programs of this machine. */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { ImageError } from './errors.ts';

/** Where a program comes from, for those that lack it. */
const REMEDIES: Readonly<Record<string, string>> = {
  'apt-get': 'the system libraries come from Debian packages: run this on Debian, for example in a container',
  'apt-cache':
    'the system libraries come from Debian packages: run this on Debian, for example in a container',
  'dpkg-deb': 'install it: apt-get install dpkg',
  npm: 'install it together with Node: https://nodejs.org',
};

export interface CommandOptions {
  cwd?: string;
  signal?: AbortSignal | undefined;
}

export class CommandError extends Error {
  override readonly name = 'CommandError';
  /** Last lines of what it wrote to standard error. */
  readonly stderr: string;

  constructor(program: string, stderr: string) {
    super(`${program} failed: ${stderr === '' ? 'it said nothing' : stderr}`);
    this.stderr = stderr;
  }
}

const lastLines = (output: string): string => output.trim().split('\n').slice(-5).join('\n');

const start = (command: readonly [string, ...string[]], options: CommandOptions) =>
  spawn(command[0], command.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });

/** A program that was not there, with what to do about it; anything else as it is. */
function explained(program: string, error: unknown): unknown {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return error;
  const remedy = REMEDIES[program] ?? 'install it';
  return new ImageError('missing', `There is no program called ${program}; ${remedy}.`, error);
}

/**
 * Runs a program, and reads what it writes to standard output as it comes.
 * @returns what `read` made of it
 * @throws ImageError when there is no such program; CommandError when it fails
 */
export async function reading<T>(
  command: readonly [string, ...string[]],
  read: (stdout: Readable) => Promise<T>,
  options: CommandOptions = {},
): Promise<T> {
  const [program] = command;
  const child = start(command, options);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code));
  });
  try {
    const [code, result, stderr] = await Promise.all([ended, read(child.stdout), text(child.stderr)]);
    if (code !== 0) throw new CommandError(program, lastLines(stderr));
    return result;
  } catch (error) {
    throw explained(program, error);
  }
}

/** What a program writes to standard output. Fails as `reading` does. */
export const output = (
  command: readonly [string, ...string[]],
  options: CommandOptions = {},
): Promise<Buffer> => reading(command, buffer, options);
