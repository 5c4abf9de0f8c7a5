/** Newline-delimited JSON. */

/**
 * Splits a stream of text into lines. A last line without an end is dropped: it was cut.
 * @param chunks pieces of text, cut anywhere
 */
export async function* lines(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', start)) {
      const line = rest + chunk.slice(start, end);
      rest = '';
      start = end + 1;
      if (line.trim() !== '') yield line;
    }
    rest += chunk.slice(start);
  }
}
