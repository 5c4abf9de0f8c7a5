import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BLOCK_BYTES, encodeHeader } from './header.ts';
import { readTar, type ReadEntry } from './read.ts';
import { directory, file, symlink, writeTar, type TarEntry } from './write.ts';

const written = (entries: readonly TarEntry[]): Promise<Buffer> => buffer(writeTar(entries));

/** In chunks that end anywhere. */
async function* cut(archive: Buffer, bytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < archive.length; at += bytes) yield archive.subarray(at, at + bytes);
}

const read = (archive: Buffer, chunkBytes = 700): Promise<ReadEntry[]> =>
  Readable.from(readTar(cut(archive, chunkBytes))).toArray() as Promise<ReadEntry[]>;

const block = (text: string): Buffer => {
  const bytes = Buffer.alloc(Math.ceil(text.length / BLOCK_BYTES) * BLOCK_BYTES);
  bytes.write(text);
  return bytes;
};

/** An entry with another type flag; only the sum of the header has to be made anew. */
function flagged(flag: string, header: Buffer): Buffer {
  const copy = Buffer.from(header);
  copy.write(flag, 156);
  copy.write(' '.repeat(8), 148);
  const sum = copy.reduce((total, byte) => total + byte, 0);
  copy.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return copy;
}

describe('an archive', () => {
  test('holds what was put into it', async () => {
    const name = fc.stringMatching(/^[a-z0-9._-]{1,40}$/).filter((each) => each !== '.' && each !== '..');
    const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    const content = fc.uint8Array({ maxLength: 2000 });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(path, content), { selector: ([each]) => each, maxLength: 8 }),
        fc.integer({ min: 1, max: 3000 }),
        async (files, chunkBytes) => {
          // A file cannot be in a file.
          const usable = files.filter(([a]) => !files.some(([b]) => b.startsWith(`${a}/`)));
          const archive = await written(usable.map(([each, bytes]) => file(each, bytes)));
          const found = (await read(archive, chunkBytes)).filter(({ type }) => type === 'file');
          const byPath = new Map(found.map((each) => [each.path, [...(each.content ?? [])]]));
          expect(byPath).toEqual(new Map(usable.map(([each, bytes]) => [each, [...bytes]])));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('does not depend on the order in which it is put together', async () => {
    const entries = [
      file('b/c', 'text'),
      symlink('a', 'b/c'),
      directory('d', 0o1777),
      file('b/a', 'x', 0o755),
    ];
    const archive = await written(entries);
    expect(await written(entries.toReversed())).toEqual(archive);
    expect((await read(archive)).map(({ path, mode }) => [path, mode.toString(8)])).toEqual([
      ['a', '777'],
      ['b', '755'],
      ['b/a', '755'],
      ['b/c', '644'],
      ['d', '1777'],
    ]);
  });

  test('refuses two entries of one name, and names that have no room', async () => {
    await expect(written([file('a', ''), symlink('a', 'b')])).rejects.toThrow('a is there twice');
    await expect(written([file('x'.repeat(101), '')])).rejects.toThrow(/too long/);
    await expect(written([symlink('a', 'x'.repeat(101))])).rejects.toThrow(/too long/);
  });

  test('refuses content that is shorter or longer than it said', async () => {
    const content = {
      bytes: 3,
      async *open() {
        yield Buffer.from('four');
      },
    };
    await expect(written([{ type: 'file', path: 'a', content }])).rejects.toThrow(
      'a has 4 bytes instead of 3',
    );
  });

  test('reads content only of what is wanted', async () => {
    const archive = await written([file('a', 'A'.repeat(5000)), file('b', 'B')]);
    const stream = readTar(cut(archive, 512), ({ path }) => path === 'b');
    const entries = (await Readable.from(stream).toArray()) as ReadEntry[];
    expect(entries.map(({ path, bytes, content }) => [path, bytes, content?.toString()])).toEqual([
      ['a', 5000, undefined],
      ['b', 1, 'B'],
    ]);
  });
});

describe('archives of others', () => {
  const LONG = `${'directory/'.repeat(20)}file`;
  const plain = encodeHeader({ path: 'short', type: 'file', mode: 0o600, bytes: 1 });
  const end = Buffer.alloc(2 * BLOCK_BYTES);

  test('may have long names as GNU tar writes them', async () => {
    const name = flagged('L', encodeHeader({ path: 'x', type: 'file', mode: 0, bytes: LONG.length + 1 }));
    const target = flagged('K', encodeHeader({ path: 'x', type: 'file', mode: 0, bytes: 7 }));
    const link = encodeHeader({ path: 'short', type: 'symlink', mode: 0o777, bytes: 0, target: 'y' });
    const archive = Buffer.concat([
      name,
      block(`${LONG}\0`),
      target,
      block('../long'),
      link,
      plain,
      block('a'),
      end,
    ]);
    expect(await read(archive)).toMatchObject([
      { path: LONG, type: 'symlink', target: '../long' },
      { path: 'short', mode: 0o600, content: Buffer.from('a') },
    ]);
  });

  test('may have long names as POSIX has them', async () => {
    const record = ` path=${LONG}\n`;
    const text = `${record.length + 3}${record}`;
    const extended = flagged('x', encodeHeader({ path: 'x', type: 'file', mode: 0, bytes: text.length }));
    const archive = Buffer.concat([extended, block(text), plain, block('a'), end]);
    expect(await read(archive)).toMatchObject([{ path: LONG, content: Buffer.from('a') }]);
  });

  test('that are cut off or none at all are errors', async () => {
    const archive = await written([file('a', 'A'.repeat(5000))]);
    await expect(read(archive.subarray(0, 2000))).rejects.toThrow('The archive is cut off');
    await expect(read(Buffer.alloc(1024, 'no'))).rejects.toThrow(/not a tar archive/);
  });
});
