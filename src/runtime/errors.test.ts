import { expect, test } from 'vitest';
import { errorFields, isAbort, TerminalError } from './errors.ts';
import { KubernetesError } from './kubernetes.ts';

test('an answer of a server is told without a stack, an error of ours with it', () => {
  expect(errorFields(new KubernetesError('conflict', 'changed', { status: 409 }))).toEqual({
    error: 'changed',
    code: 'conflict',
    status: 409,
  });
  const ours = errorFields(new TerminalError('nonsense', new Error('why')));
  expect(ours).toMatchObject({ error: 'nonsense', code: 'terminal', cause: 'why' });
  expect(ours['stack']).toContain('errors.test.ts');
  expect(errorFields('text')).toEqual({ error: 'text' });
});

test('an abort is told from other errors', () => {
  const reason = new Error('shutdown');
  const over = AbortSignal.abort(reason);
  expect(isAbort(reason, over)).toBe(true);
  expect(isAbort(new DOMException('x', 'AbortError'), over)).toBe(true);
  expect(isAbort(new Error('other'), over)).toBe(false);
  expect(isAbort(reason, new AbortController().signal)).toBe(false);
});
