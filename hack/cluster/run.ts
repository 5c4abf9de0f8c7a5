/** Runs a program to its end. */
import { execFile } from 'node:child_process';

/** A program ended with an error, or could not be started. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  /** Exit code; undefined when it was not started, or a signal ended it. */
  readonly code: number | undefined;
  readonly stderr: string;

  constructor(command: readonly string[], code: number | undefined, stderr: string) {
    const said = stderr.trim() === '' ? `ended with ${code ?? 'a signal'}` : stderr.trim();
    super(`${command.join(' ')}: ${said}`);
    this.code = code;
    this.stderr = stderr;
  }
}

/** Where Debian keeps programs for root, also when the caller's path does not say so. */
export const systemPath = (env: NodeJS.ProcessEnv = process.env): string =>
  [env['PATH'] ?? '', '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin']
    .filter((each) => each !== '')
    .join(':');

/** @returns its standard output @throws CommandError */
export function run(command: string, ...args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, PATH: systemPath() };
    execFile(command, args, { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const code = typeof error.code === 'number' ? error.code : undefined;
      reject(new CommandError([command, ...args], code, stderr === '' ? error.message : stderr));
    });
  });
}
