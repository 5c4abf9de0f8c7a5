import { describe, expect, test } from 'vitest';
import { KubernetesError } from './kubernetes.ts';
import { redact, redactText } from './redaction.ts';

const JWT = `eyJ${'a'.repeat(20)}.eyJ${'b'.repeat(20)}.${'c'.repeat(20)}`;

describe('redact', () => {
  test.each([
    ['token', 'abc'],
    ['authToken', 'abc'],
    ['auth_tokens', ['abc']],
    ['Authorization', 'Basic abc'],
    ['password', 'abc'],
    ['clientSecret', 'abc'],
    ['privateKey', Buffer.from('abc')],
    ['secretData', { a: 'b' }],
  ])('hides %s', (name, value) => {
    expect(redact({ [name]: value, nested: { [name]: value } })).toEqual({
      [name]: '[redacted]',
      nested: { [name]: '[redacted]' },
    });
  });

  test.each([
    ['key', 'shop/cart'],
    ['secret', 'brupop-tls'],
    ['tokens', 3],
    ['tokenValid', true],
    ['node', 'n1'],
    ['missing', undefined],
    ['none', null],
  ])('leaves %s alone', (name, value) => {
    expect(redact({ [name]: value })).toEqual({ [name]: value });
  });

  test('finds tokens and keys inside texts, however deep', () => {
    expect(redact({ a: [{ b: `sent ${JWT} to` }] })).toEqual({ a: [{ b: 'sent [redacted] to' }] });
    expect(redactText('Authorization: Bearer abcdefgh1234')).toBe('Authorization: [redacted]');
    expect(redactText('-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\nrest')).toBe(
      '[redacted]\nrest',
    );
    expect(redactText('-----BEGIN EC PRIVATE KEY-----\nMIIE')).toBe('[redacted]');
  });

  test('an error becomes fields, its message is searched too', () => {
    const error = new KubernetesError('forbidden', `no: ${JWT}`, { status: 403, cause: new Error('inner') });
    expect(redact({ problem: error })).toEqual({
      problem: { error: 'no: [redacted]', code: 'forbidden', status: 403, cause: 'inner' },
    });
  });

  test('maps, sets, bytes and big numbers can be written as JSON', () => {
    const value = { map: new Map([['a', 1]]), set: new Set(['b']), bytes: new Uint8Array(3), big: 10n };
    expect(redact(value)).toEqual({ map: { a: 1 }, set: ['b'], bytes: '[3 bytes]', big: '10' });
  });

  test('what contains itself ends', () => {
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    expect(() => JSON.stringify(redact(loop))).not.toThrow();
  });
});
