/** Small ELF files for tests: what a linker would write for a program or library that does nothing. */

export interface ElfContent {
  /** `e_machine`. @default 62, x86-64 */
  machine?: number;
  interpreter?: string;
  needed?: readonly string[];
  /** Versions of symbols by library. */
  wants?: Readonly<Record<string, readonly string[]>>;
  has?: readonly string[];
}

/** Where the file begins in memory. */
const ADDRESS = 0x40_0000;
const HEADERS_BYTES = 64 + 3 * 56;

/** Adds texts to a string table. */
class Strings {
  #text = '\0';

  at(text: string): number {
    const at = this.#text.length;
    this.#text += `${text}\0`;
    return at;
  }

  bytes(): Buffer {
    return Buffer.from(this.#text);
  }
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32LE(value, 4 * index));
  return bytes;
}

function longs(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  values.forEach((value, index) => bytes.writeBigUInt64LE(BigInt(value), 8 * index));
  return bytes;
}

/** Two numbers of 16 bits in one of 32. */
const pair = (low: number, high: number): number => high * 0x1_0000 + low;

function versionNeeds(strings: Strings, wants: readonly [string, readonly string[]][]): Buffer {
  return Buffer.concat(
    wants.map(([library, versions], index) => {
      const bytes = 16 + 16 * versions.length;
      const next = index === wants.length - 1 ? 0 : bytes;
      const entries = versions.map((version, at) =>
        words(0, 0, strings.at(version), at === versions.length - 1 ? 0 : 16),
      );
      return Buffer.concat([words(pair(1, versions.length), strings.at(library), 16, next), ...entries]);
    }),
  );
}

const versionDefinitions = (strings: Strings, has: readonly string[]): Buffer =>
  Buffer.concat(
    has.map((version, index) =>
      words(1, pair(index, 1), 0, 20, index === has.length - 1 ? 0 : 28, strings.at(version), 0),
    ),
  );

/** The bytes of a file that says so; symbols for debuggers follow what is loaded. */
export function makeElf(content: ElfContent = {}): Buffer {
  const { machine = 62, interpreter, needed = [], wants = {}, has = [] } = content;
  const strings = new Strings();
  const neededAt = needed.map((name) => strings.at(name));
  const [needs, definitions] = [
    versionNeeds(strings, Object.entries(wants)),
    versionDefinitions(strings, has),
  ];
  const loader = Buffer.from(interpreter === undefined ? '' : `${interpreter}\0`);
  const table = strings.bytes();
  const needsAt = HEADERS_BYTES + table.length;
  const definitionsAt = needsAt + needs.length;
  const loaderAt = definitionsAt + definitions.length;
  const dynamicAt = loaderAt + loader.length;
  const dynamic = longs(
    ...neededAt.flatMap((at) => [1, at]),
    5,
    ADDRESS + HEADERS_BYTES,
    ...(needs.length === 0 ? [] : [0x6ffffffe, ADDRESS + needsAt, 0x6fffffff, Object.keys(wants).length]),
    ...(has.length === 0 ? [] : [0x6ffffffc, ADDRESS + definitionsAt, 0x6ffffffd, has.length]),
    0,
    0,
  );
  const end = dynamicAt + dynamic.length;
  const header = Buffer.alloc(64);
  header.write('\x7fELF\x02\x01\x01', 'latin1');
  header.writeUInt16LE(machine, 18);
  header.writeBigUInt64LE(64n, 32);
  header.writeBigUInt64LE(BigInt(end), 40);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(3, 56);
  header.writeUInt16LE(7, 60);
  header.writeUInt16LE(6, 62);
  const segment = (type: number, offset: number, bytes: number): Buffer =>
    Buffer.concat([words(type, 4), longs(offset, ADDRESS + offset, ADDRESS + offset, bytes, bytes, 8)]);
  return Buffer.concat([
    header,
    segment(1, 0, end),
    segment(2, dynamicAt, dynamic.length),
    segment(interpreter === undefined ? 4 : 3, loaderAt, loader.length),
    table,
    needs,
    definitions,
    loader,
    dynamic,
    Buffer.from('symbols for debuggers'),
  ]);
}
