import { describe, expect, it } from 'vitest';
import { answerError, eventError } from './status.ts';

const refusal = (fields: object): string => JSON.stringify({ kind: 'Status', status: 'Failure', ...fields });

describe('a refusal', () => {
  it.each<[string, unknown, unknown]>([
    ['causes that are no list', { causes: 'none' }, []],
    [
      'causes that are no causes',
      { causes: [null, 5, { reason: 7, field: 'spec' }] },
      [{}, {}, { field: 'spec' }],
    ],
    ['details that are none', 'x', []],
  ])('is read as far as it can be: %s', (_, details, causes) => {
    expect(answerError(422, refusal({ details })).causes).toEqual(causes);
  });

  it.each<[unknown, string | undefined, number | undefined]>([
    [5, undefined, 5_000],
    ['5', undefined, undefined],
    [1e300, undefined, 3_600_000],
    [undefined, '9'.repeat(400), 3_600_000],
    [-1, undefined, undefined],
    [5, 'Wed, 21 Oct 2026 07:28:00 GMT', 5_000],
  ])('asks to wait %j seconds, with a header %j: %j ms', (retryAfterSeconds, header, expected) => {
    const error = answerError(429, refusal({ details: { retryAfterSeconds } }), header);
    expect(error.retryAfterMs).toBe(expected);
  });

  it('has a message and a status, whatever is in their place', () => {
    const { message, status, code } = eventError({ kind: 'Status', message: 5, code: { a: 1 } });
    expect([message, status, code]).toEqual(['the API server answered 500', 500, 'server']);
  });
});
