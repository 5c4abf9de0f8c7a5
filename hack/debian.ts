/** The Debian packages that tests need, all in `debian-packages.txt`. */
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Names in the file, in its order. */
export function debianPackages(): string[] {
  const text = readFileSync(join(import.meta.dirname, 'debian-packages.txt'), 'utf8');
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((name) => name !== '');
}

/** Where Debian keeps what only root runs, which is not on everybody's PATH. */
const ROOTS_OWN = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** True when there is such a program. */
export function isInstalled(program: string, env: NodeJS.ProcessEnv = process.env): boolean {
  const directories = [...(env['PATH'] ?? '').split(delimiter).filter((each) => each !== ''), ...ROOTS_OWN];
  return directories.some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * One sentence with the remedy for programs that lack; undefined when there are all.
 * @param programs each with the Debian package it is in
 */
export function objectionTo(
  programs: Readonly<Record<string, string>>,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const lacking = Object.keys(programs).filter((program) => !isInstalled(program, env));
  if (lacking.length === 0) return undefined;
  const packages = [...new Set(lacking.flatMap((program) => programs[program] ?? []))].toSorted();
  return `This machine lacks ${lacking.join(', ')}: apt-get install ${packages.join(' ')}`;
}
