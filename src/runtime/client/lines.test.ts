import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { lines } from './lines.ts';

async function* pieces(chunks: string[]): AsyncGenerator<string> {
  yield* chunks;
}

const read = async (chunks: string[]): Promise<string[]> => {
  const all: string[] = [];
  for await (const line of lines(pieces(chunks))) all.push(line);
  return all;
};

test('lines are the same wherever the text is cut', async () => {
  const word = fc.stringMatching(/^[a-z{}" ]{0,8}x$/);
  await fc.assert(
    fc.asyncProperty(fc.array(word), fc.array(fc.nat(40)), async (words, cuts) => {
      const text = words.map((line) => `${line}\n`).join('');
      const ends = [...cuts.filter((cut) => cut < text.length), text.length].toSorted((a, b) => a - b);
      const chunks = ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end));
      expect(await read(chunks)).toEqual(words);
    }),
  );
});

test('a line without an end is dropped, an empty one skipped', async () => {
  expect(await read(['a\n\nb', 'c\nd'])).toEqual(['a', 'bc']);
});
