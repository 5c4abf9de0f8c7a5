import { expect, test } from 'vitest';
import { hostRequest } from './hostrequest.ts';

test.each([
  ['dump', { do: 'dump' }],
  ['reboot', { do: 'reboot' }],
  ['fault bootFails', { do: 'fault', name: 'bootFails' }],
  ['fault bootFails {"times":1}', { do: 'fault', name: 'bootFails', spec: { times: 1 } }],
  ['clear', { do: 'clear' }],
  ['clear bootFails', { do: 'clear', name: 'bootFails' }],
  ['remove 1.42.0', { do: 'remove', version: '1.42.0' }],
  ['{"do":"otherClient","command":"refresh"}', { do: 'otherClient', command: 'refresh' }],
])('%s', (words, request) => {
  expect(hostRequest(words.split(' '))).toEqual(request);
});

test.each(['explode', 'fault', 'remove', 'toString', '{no', 'fault bootFails {'])('not %s', (words) => {
  expect(() => hostRequest(words.split(' '))).toThrow(/asked for|no JSON/);
});
