import { expect, test } from 'vitest';
import { reasonOf } from './reason.ts';

test.each([
  ['one', new Error('no disk'), 'no disk'],
  [
    'what is behind it',
    new Error('no boot', { cause: new Error('ctr failed\n  much\n  bad tar\n') }),
    'no boot: ctr failed: bad tar',
  ],
  ['nothing twice', new Error('no boot: bad tar', { cause: new Error('bad tar') }), 'no boot: bad tar'],
  ['a text', 'no error at all', 'no error at all'],
])('%s', (_, error, reason) => {
  expect(reasonOf(error)).toBe(reason);
});
