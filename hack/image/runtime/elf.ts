/** Reads of a 64-bit ELF file what says whether it can start, and cuts off what only debuggers want. */

export interface Elf {
  /** `e_machine`. */
  machine: number;
  /** The program that starts it; a library has none. */
  interpreter?: string;
  /** File names of the libraries that it wants to be there. */
  needed: string[];
  /** Versions of symbols that it wants, by the library they have to be in: `libc.so.6` → `GLIBC_2.28`. */
  wants: Map<string, Set<string>>;
  /** Versions of symbols that it has. */
  has: Set<string>;
}

const PT = { LOAD: 1, DYNAMIC: 2, INTERP: 3 } as const;
const DT = {
  NEEDED: 1,
  STRTAB: 5,
  VERDEF: 0x6ffffffc,
  VERDEFNUM: 0x6ffffffd,
  VERNEED: 0x6ffffffe,
  VERNEEDNUM: 0x6fffffff,
} as const;

interface Segment {
  type: number;
  offset: number;
  address: number;
  fileBytes: number;
}

const long = (file: Buffer, at: number): number => Number(file.readBigUInt64LE(at));

/** True for files that `readElf` understands. */
export const isElf = (file: Buffer): boolean =>
  file.length >= 64 && file.readUInt32BE(0) === 0x7f454c46 && file[4] === 2 && file[5] === 1;

function segmentsOf(file: Buffer): Segment[] {
  const [start, size, count] = [long(file, 32), file.readUInt16LE(54), file.readUInt16LE(56)];
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * size;
    return {
      type: file.readUInt32LE(at),
      offset: long(file, at + 8),
      address: long(file, at + 16),
      fileBytes: long(file, at + 32),
    };
  });
}

const textAt = (file: Buffer, at: number): string => file.toString('utf8', at, file.indexOf(0, at));

/** Tag and value, in the order of the file. */
function dynamicEntries(file: Buffer, segments: readonly Segment[]): [tag: number, value: number][] {
  const entries: [number, number][] = [];
  for (const { type, offset, fileBytes } of segments) {
    if (type !== PT.DYNAMIC) continue;
    for (let at = offset; at < offset + fileBytes; at += 16) {
      const tag = long(file, at);
      if (tag === 0) break;
      entries.push([tag, long(file, at + 8)]);
    }
  }
  return entries;
}

/** Where an address lies in the file. */
function offsetOf(segments: readonly Segment[], address: number): number {
  const segment = segments.find(
    ({ type, address: from, fileBytes }) => type === PT.LOAD && address >= from && address < from + fileBytes,
  );
  if (segment === undefined) throw new RangeError(`Address ${address} is in no segment`);
  return address - segment.address + segment.offset;
}

interface Tables {
  file: Buffer;
  strings: number;
}

/** Entries of `.gnu.version_r`: each names a library and the versions wanted of it. */
function wantedVersions({ file, strings }: Tables, start: number, count: number): Elf['wants'] {
  const wants: Elf['wants'] = new Map();
  for (let at = start, left = count; left > 0; left -= 1, at += file.readUInt32LE(at + 12)) {
    const library = textAt(file, strings + file.readUInt32LE(at + 4));
    const versions = wants.get(library) ?? new Set();
    wants.set(library, versions);
    let entry = at + file.readUInt32LE(at + 8);
    for (let rest = file.readUInt16LE(at + 2); rest > 0; rest -= 1) {
      // A weak one may be missing.
      const weak = (file.readUInt16LE(entry + 4) & 2) !== 0;
      if (!weak) versions.add(textAt(file, strings + file.readUInt32LE(entry + 8)));
      entry += file.readUInt32LE(entry + 12);
    }
  }
  return wants;
}

/** Entries of `.gnu.version_d`: the versions that a library has. */
function definedVersions({ file, strings }: Tables, start: number, count: number): Set<string> {
  const has = new Set<string>();
  for (let at = start, left = count; left > 0; left -= 1, at += file.readUInt32LE(at + 16)) {
    const name = at + file.readUInt32LE(at + 12);
    has.add(textAt(file, strings + file.readUInt32LE(name)));
  }
  return has;
}

/** @throws RangeError when it is none, or one for 32 bits or big-endian */
export function readElf(file: Buffer): Elf {
  if (!isElf(file)) throw new RangeError('This is no 64-bit little-endian ELF file');
  const segments = segmentsOf(file);
  const dynamic = dynamicEntries(file, segments);
  const valueOf = (tag: number): number | undefined => dynamic.find(([each]) => each === tag)?.[1];
  const placeOf = (tag: number): number => {
    const address = valueOf(tag);
    return address === undefined ? 0 : offsetOf(segments, address);
  };
  const strings = placeOf(DT.STRTAB);
  const tables = { file, strings };
  const interpreter = segments.find(({ type }) => type === PT.INTERP);
  return {
    machine: file.readUInt16LE(18),
    ...(interpreter === undefined ? {} : { interpreter: textAt(file, interpreter.offset) }),
    needed: dynamic.filter(([tag]) => tag === DT.NEEDED).map(([, at]) => textAt(file, strings + at)),
    wants: wantedVersions(tables, placeOf(DT.VERNEED), valueOf(DT.VERNEEDNUM) ?? 0),
    has: definedVersions(tables, placeOf(DT.VERDEF), valueOf(DT.VERDEFNUM) ?? 0),
  };
}

/**
 * The file without its sections that are not loaded: symbols for debuggers, and the table of sections itself. What a
 * process sees of it stays the same.
 */
export function strip(file: Buffer): Buffer {
  const loaded = segmentsOf(file).filter(({ type }) => type === PT.LOAD);
  const end = Math.max(...loaded.map(({ offset, fileBytes }) => offset + fileBytes));
  const stripped = Buffer.from(file.subarray(0, end));
  // e_shoff, e_shnum, e_shstrndx
  stripped.writeBigUInt64LE(0n, 40);
  stripped.writeUInt16LE(0, 60);
  stripped.writeUInt16LE(0, 62);
  return stripped;
}
