/** The Node of the npm package: its program and its licence. */
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { readTar } from '../archive/read.ts';
import { ImageError } from '../errors.ts';
import { readElf, strip, type Elf } from './elf.ts';

export interface UnpackedNode {
  /** Without symbols for debuggers. */
  binary: Buffer;
  elf: Elf;
  licence: Buffer;
}

/** Paths in every archive of npm begin with this. */
const ROOT = 'package/';

export async function unpackNode(path: string): Promise<UnpackedNode> {
  const wanted = new Map<string, Buffer>();
  const stream = createReadStream(path).pipe(createGunzip());
  const wants = new Set([`${ROOT}bin/node`, `${ROOT}LICENSE`]);
  for await (const { path: name, content } of readTar(stream, (header) => wants.has(header.path))) {
    if (content !== undefined) wanted.set(name.slice(ROOT.length), content);
  }
  const [binary, licence] = [wanted.get('bin/node'), wanted.get('LICENSE')];
  if (binary === undefined || licence === undefined) {
    throw new ImageError('integrity', `${path} holds no Node, or no licence of it.`);
  }
  return { binary: strip(binary), elf: readElf(binary), licence };
}
