/** The operator's image for this machine, made as a user makes it. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const MAIN = join(import.meta.dirname, '..', '..', '..', 'hack', 'image', 'main.ts');
const PLATFORM = process.arch === 'arm64' ? 'linux/arm64' : 'linux/amd64';

export interface ImageOptions {
  /** What it is called. @default `brupop:` and the version */
  tag?: string;
  /** Where the source is said to be: another one makes another digest. @default what `npm run image` finds */
  source?: string;
}

/** @returns path of an OCI archive in `dir` @throws with what `npm run image` said */
export async function makeImage(dir: string, { tag, source }: ImageOptions = {}): Promise<string> {
  const archive = join(dir, 'brupop.tar');
  const wishes = [
    ...(tag === undefined ? [] : ['--tag', tag]),
    ...(source === undefined ? [] : ['--source', source]),
  ];
  await promisify(execFile)(process.execPath, [MAIN, '--platform', PLATFORM, ...wishes, '--output', archive]);
  return archive;
}
