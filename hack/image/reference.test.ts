import { describe, expect, test } from 'vitest';
import { formatReference, parseReference } from './reference.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('the name of an image', () => {
  test.each([
    ['brupop', 'docker.io/library/brupop'],
    ['brupop:v0.1.0', 'docker.io/library/brupop:v0.1.0'],
    ['platform/brupop:v1', 'docker.io/platform/brupop:v1'],
    ['docker.io/brupop', 'docker.io/library/brupop'],
    ['localhost/brupop', 'localhost/brupop'],
    ['127.0.0.1:5000/brupop:v1', '127.0.0.1:5000/brupop:v1'],
    ['[::1]:5000/brupop', '[::1]:5000/brupop'],
    ['registry.example.com/a/b-c/d_e:V1.x-y', 'registry.example.com/a/b-c/d_e:V1.x-y'],
    [`registry.example.com/a@${DIGEST}`, `registry.example.com/a@${DIGEST}`],
    [`registry.example.com:8443/a:b@${DIGEST}`, `registry.example.com:8443/a:b@${DIGEST}`],
  ])('%s is %s', (text, complete) => {
    expect(formatReference(parseReference(text))).toBe(complete);
    expect(formatReference(parseReference(complete))).toBe(complete);
  });

  test.each(['', 'Brupop', 'a b', 'a:', '-a', 'a//b', 'registry.example.com/', 'a@sha256:12', 'a:b:c'])(
    '%j is none',
    (text) => {
      expect(() => parseReference(text)).toThrow(/is no name of an image/);
    },
  );
});
