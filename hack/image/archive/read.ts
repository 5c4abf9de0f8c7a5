/** Reads tar archives as they come: ustar, with the long names of GNU tar and of POSIX. */
import { BLOCK_BYTES, decodeHeader, normalisePath, type TarHeader } from './header.ts';

export interface ReadEntry extends TarHeader {
  /** Only of files that were wanted. */
  content?: Buffer;
}

/** Hands out a stream in pieces of the length that is asked for. */
class Pieces {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Uint8Array>) {
    this.#chunks = stream[Symbol.asyncIterator]();
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (done === true) return false;
    this.#rest = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    return true;
  }

  /** @throws RangeError when the stream ends before */
  async #each(bytes: number, use: (piece: Buffer) => void): Promise<void> {
    for (let left = bytes; left > 0;) {
      if (this.#rest.length === 0 && !(await this.#more())) throw new RangeError('The archive is cut off');
      const piece = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(piece.length);
      left -= piece.length;
      use(piece);
    }
  }

  async take(bytes: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    await this.#each(bytes, (piece) => pieces.push(piece));
    return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
  }

  async skip(bytes: number): Promise<void> {
    await this.#each(bytes, () => undefined);
  }

  /** Lets the source finish. */
  async drain(): Promise<void> {
    while (await this.#more());
  }
}

/** `12 path=name\n…` → its keys. */
function paxRecords(content: Buffer): Map<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < content.length;) {
    const length = Number.parseInt(content.toString('latin1', at, content.indexOf(' ', at)), 10);
    if (!(length > 0)) throw new RangeError('The archive has a damaged extended header');
    const record = content.toString('utf8', content.indexOf(' ', at) + 1, at + length - 1);
    const equals = record.indexOf('=');
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}

const cString = (content: Buffer): string => {
  const end = content.indexOf(0);
  return content.toString('utf8', 0, end === -1 ? content.length : end);
};

/** What extension headers say of the entry that follows them. */
function extension(flag: string, content: Buffer): Partial<TarHeader> {
  if (flag === 'L') return { path: normalisePath(cString(content)) };
  if (flag === 'K') return { target: cString(content) };
  if (flag !== 'x') return {};
  const records = paxRecords(content);
  const [path, target, size] = ['path', 'linkpath', 'size'].map((key) => records.get(key));
  return {
    ...(path === undefined ? {} : { path: normalisePath(path) }),
    ...(target === undefined ? {} : { target }),
    ...(size === undefined ? {} : { bytes: Number(size) }),
  };
}

const EXTENSIONS = 'LKxg';

const padded = (bytes: number): number => Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;

/**
 * The entries of an archive, in its order.
 * @param wants the files whose content is read; the others' is passed over
 * @throws RangeError when it is no tar archive, or a damaged one
 */
export async function* readTar(
  stream: AsyncIterable<Uint8Array>,
  wants: (header: TarHeader) => boolean = () => true,
): AsyncGenerator<ReadEntry> {
  const pieces = new Pieces(stream);
  let extended: Partial<TarHeader> = {};
  for (;;) {
    const decoded = decodeHeader(await pieces.take(BLOCK_BYTES));
    if (decoded === undefined) break;
    const { flag } = decoded;
    if (EXTENSIONS.includes(flag) && flag !== '') {
      const content = await pieces.take(padded(decoded.header.bytes));
      extended = { ...extended, ...extension(flag, content.subarray(0, decoded.header.bytes)) };
      continue;
    }
    const header: TarHeader = { ...decoded.header, ...extended };
    extended = {};
    if (header.type === 'file' && wants(header)) {
      const content = Buffer.from((await pieces.take(padded(header.bytes))).subarray(0, header.bytes));
      yield { ...header, content };
    } else {
      await pieces.skip(padded(header.bytes));
      yield header;
    }
  }
  await pieces.drain();
}
