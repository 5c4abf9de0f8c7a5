/** The operator's image for this machine, made as a user makes it. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'hack', 'image', 'main.ts');
const PLATFORM = process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64';

/** @returns path of an OCI archive in `dir` @throws with what `npm run image` said */
export async function makeImage(dir: string, name = 'brupop'): Promise<string> {
  const archive = join(dir, `${name}.tar`);
  await promisify(execFile)(process.execPath, [MAIN, '--platform', PLATFORM, '--output', archive]);
  return archive;
}
