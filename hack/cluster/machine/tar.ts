/** Writes tar archives of a few regular files: POSIX ustar, owned by root, without times. */

const BLOCK = 512;
/** Where the checksum of a header is, and how long. */
const CHECKSUM = { at: 148, length: 8 };

export interface TarEntry {
  /** At most 100 characters, without a leading slash. */
  name: string;
  content: Buffer;
  /** @default 0o644 */
  mode?: number;
}

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`;

function header({ name, content, mode = 0o644 }: TarEntry): Buffer {
  if (Buffer.byteLength(name) > 100) throw new RangeError(`A name in a tar archive is too long: ${name}`);
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0);
  block.write(octal(mode, 8), 100);
  block.write(octal(0, 8), 108); // uid
  block.write(octal(0, 8), 116); // gid
  block.write(octal(content.length, 12), 124);
  block.write(octal(0, 12), 136); // mtime
  block.write('0', 156); // a regular file
  block.write('ustar\x0000', 257);
  // The sum is that of the header with blanks in the place of the sum.
  block.fill(' ', CHECKSUM.at, CHECKSUM.at + CHECKSUM.length);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 7)} `, CHECKSUM.at);
  return block;
}

/** @throws RangeError for a name that does not fit */
export const tar = (entries: readonly TarEntry[]): Buffer =>
  Buffer.concat([
    ...entries.flatMap((entry) => [
      header(entry),
      entry.content,
      Buffer.alloc((BLOCK - (entry.content.length % BLOCK)) % BLOCK),
    ]),
    Buffer.alloc(2 * BLOCK),
  ]);
