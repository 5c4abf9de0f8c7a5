/** JSON as text: as it should be, of another shape, damaged, or no JSON at all. */
import * as fc from 'fast-check';
import { mutated } from './schema.ts';
import { nearly, noise, type Texts } from './texts.ts';

/** Texts of values: half of them right, the others with something wrong in the value or in the text. */
export const jsonTexts = (values: fc.Arbitrary<unknown>): Texts => {
  const right = values.map((value) => JSON.stringify(value) ?? 'null');
  return fc.oneof(
    { weight: 4, arbitrary: right },
    { weight: 4, arbitrary: mutated(values).map((value) => JSON.stringify(value) ?? 'null') },
    { weight: 2, arbitrary: nearly(right) },
    { weight: 1, arbitrary: fc.json({ maxDepth: 4 }) },
    { weight: 1, arbitrary: fc.tuple(right, fc.nat(400)).map(([text, length]) => text.slice(0, length)) },
    {
      weight: 1,
      arbitrary: fc.oneof(
        noise,
        fc.constantFrom(
          '{"__proto__":{"x":1}}',
          '[1e999]',
          '{"a":1,"a":2}',
          `${'['.repeat(3_000)}${']'.repeat(3_000)}`,
        ),
      ),
    },
  );
};
