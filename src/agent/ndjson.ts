/** Newline-delimited text out of chunks of bytes. */
import { ChannelError } from './ports.ts';

/** Longest line; a shadow is a few kilobytes. */
export const LINE_LIMIT_BYTES = 512 * 1024;

const NEWLINE = 0x0a;

/**
 * The lines of a stream, without their ends; empty ones are left out, and so is an unfinished last one.
 * @throws ChannelError `tooLong` for a line beyond the limit.
 */
export async function* linesOf(
  chunks: AsyncIterable<Buffer>,
  limitBytes: number = LINE_LIMIT_BYTES,
): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  let restBytes = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      const line = Buffer.concat([...rest, chunk.subarray(from, end)]);
      if (line.length > limitBytes) throw tooLong(limitBytes);
      if (line.length > 0) yield line.toString('utf8');
      rest = [];
      restBytes = 0;
      from = end + 1;
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
    restBytes += chunk.length - from;
    if (restBytes > limitBytes) throw tooLong(limitBytes);
  }
}

const tooLong = (limitBytes: number): ChannelError =>
  new ChannelError('tooLong', `a line is longer than ${limitBytes} bytes`);
