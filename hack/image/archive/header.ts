/** One header block of a tar archive, in the form of POSIX ustar. */

export const BLOCK_BYTES = 512;

export type EntryType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'other';

/** What a header says. Owner and times are not kept: nothing here depends on them. */
export interface TarHeader {
  /** Without a leading or trailing slash. */
  path: string;
  type: EntryType;
  /** Permissions, with set-id and sticky bits. */
  mode: number;
  /** Of the content that follows. */
  bytes: number;
  /** Target of a link. */
  target?: string;
}

const TYPE_FLAGS: Readonly<Record<Exclude<EntryType, 'other'>, string>> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  directory: '5',
};

/** `path` as prefix and name of ustar. @throws RangeError when it is too long for them */
function splitPath(path: string): [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= 100) return ['', path];
  for (let slash = path.indexOf('/'); slash !== -1; slash = path.indexOf('/', slash + 1)) {
    const [prefix, name] = [path.slice(0, slash), path.slice(slash + 1)];
    if (Buffer.byteLength(prefix) > 155) break;
    if (Buffer.byteLength(name) <= 100) return [prefix, name];
  }
  throw new RangeError(`${path} is too long for a tar archive`);
}

const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;

/** The header of an entry that belongs to root and was made in 1970. */
export function encodeHeader({ path, type, mode, bytes, target = '' }: TarHeader): Buffer {
  if (type === 'other') throw new RangeError(`${path} is neither file, directory nor link`);
  if (Buffer.byteLength(target) > 100) throw new RangeError(`${target} is too long for a tar archive`);
  const block = Buffer.alloc(BLOCK_BYTES);
  const [prefix, name] = splitPath(type === 'directory' ? `${path}/` : path);
  block.write(name, 0);
  block.write(octal(mode, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(bytes, 11), 124);
  block.write(octal(0, 11), 136);
  block.write(' '.repeat(8), 148);
  block.write(TYPE_FLAGS[type], 156);
  block.write(target, 157);
  block.write('ustar\x0000', 257);
  block.write('root', 265);
  block.write('root', 297);
  block.write(octal(0, 7), 329);
  block.write(octal(0, 7), 337);
  block.write(prefix, 345);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

const text = (block: Buffer, from: number, bytes: number): string => {
  const field = block.subarray(from, from + bytes);
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? bytes : end);
};

/** A number in octal, or as GNU tar writes what is too big for that. */
function number(block: Buffer, from: number, bytes: number): number {
  if ((block.readUInt8(from) & 0x80) !== 0) return Number(block.readBigUInt64BE(from + bytes - 8));
  const digits = text(block, from, bytes).trim();
  return digits === '' ? 0 : Number.parseInt(digits, 8);
}

const TYPES = new Map<string, EntryType>([
  ['', 'file'],
  ['7', 'file'],
  ...Object.entries(TYPE_FLAGS).map(([type, flag]): [string, EntryType] => [flag, type as EntryType]),
]);

/** `./etc//passwd` → `etc/passwd`. */
export const normalisePath = (path: string): string =>
  path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');

/** What a block says, and its type flag; undefined for the empty block that ends an archive. */
export function decodeHeader(block: Buffer): { header: TarHeader; flag: string } | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  if (number(block, 148, 8) !== sum) throw new RangeError('This is not a tar archive, or it is damaged');
  const flag = text(block, 156, 1);
  // GNU tar keeps times where ustar has its prefix.
  const posix = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = posix ? text(block, 345, 155) : '';
  const name = text(block, 0, 100);
  const target = text(block, 157, 100);
  const header: TarHeader = {
    path: normalisePath(prefix === '' ? name : `${prefix}/${name}`),
    type: TYPES.get(flag) ?? 'other',
    mode: number(block, 100, 8) & 0o7777,
    bytes: number(block, 124, 12),
    ...(target === '' ? {} : { target }),
  };
  return { header, flag };
}
