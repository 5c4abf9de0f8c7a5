import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { linesOf } from './ndjson.ts';

async function collect(chunks: Buffer[], limitBytes?: number): Promise<string[]> {
  const lines: string[] = [];
  // oxlint-disable-next-line typescript/await-thenable -- a plain list stands in for a stream
  const stream = (async function* () {
    yield* chunks;
  })();
  for await (const line of linesOf(stream, limitBytes)) lines.push(line);
  return lines;
}

it('finds the same lines however the bytes are cut', async () => {
  const text = fc.string({ unit: 'binary' }).map((value) => value.replaceAll('\n', ' '));
  await fc.assert(
    fc.asyncProperty(fc.array(text), fc.array(fc.nat(20)), async (lines, cuts) => {
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      const chunks: Buffer[] = [];
      let from = 0;
      for (const cut of [...cuts, bytes.length]) {
        chunks.push(bytes.subarray(from, from + cut));
        from = Math.min(bytes.length, from + cut);
      }
      const expected = lines.map((line) => Buffer.from(line).toString()).filter((line) => line !== '');
      expect(await collect(chunks)).toEqual(expected);
    }),
  );
});

it('leaves out what was not finished', async () => {
  expect(await collect([Buffer.from('{"a":1}\n{"b"')])).toEqual(['{"a":1}']);
});

it.each([
  ['in one piece', [Buffer.from(`${'x'.repeat(65)}\n`)]],
  ['in pieces without an end', Array.from({ length: 9 }, () => Buffer.from('xxxxxxxxxx'))],
])('refuses a line that is too long, %s', async (_how, chunks) => {
  await expect(collect(chunks, 64)).rejects.toMatchObject({ code: 'tooLong' });
});
