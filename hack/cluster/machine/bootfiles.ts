/** Lays out a boot on disk as `init.sh` wants to find it. */
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { BootPlan } from './bootplan.ts';

/** What can be written between single quotes of a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** A script that becomes the program. */
export const serviceScript = (command: readonly string[]): string =>
  `#!/bin/sh\nexec ${command.map(quoted).join(' ')}\n`;

async function write(path: string, text: string, mode: number): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
  await chmod(path, mode);
}

/** Replaces what an earlier boot left in `dir`. */
export async function writeBoot(plan: BootPlan, dir: string): Promise<void> {
  await rm(dir, { recursive: true, force: true });
  const root = join(dir, 'root');
  for (const { path, text, mode } of plan.files) await write(join(root, path), text, mode ?? 0o644);
  for (const [name, command] of Object.entries(plan.services))
    await write(join(root, 'run', 'services', name), serviceScript(command), 0o755);
  for (const [path, value] of Object.entries(plan.kernel))
    await write(join(dir, 'kernel', path), `${value}\n`, 0o644);
  // The target first: it has no spaces in it, whatever the source has.
  const mounts = plan.mounts.map(({ from, to }) => `${to} ${from}\n`);
  await write(join(dir, 'mounts'), mounts.join(''), 0o644);
}
