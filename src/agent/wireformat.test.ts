import { describe, expect, it } from 'vitest';
import { readAccepted, readLine, readProblem } from './wireformat.ts';

const line = (generation: unknown): string =>
  JSON.stringify({
    type: 'SHADOW',
    object: { metadata: { name: 'brs-a', uid: 'u', generation }, spec: { state: 'Idle' } },
  });

describe('a line of the stream', () => {
  it('is understood with a generation that can be counted', () => {
    expect(readLine(line(3))).toMatchObject({ type: 'SHADOW' });
  });

  it.each([-1, 1.5, 1e300, null, '3'])('is not understood with the generation %j', (generation) => {
    expect(readLine(line(generation))).toBeUndefined();
  });

  it('is not understood with a generation beyond all numbers, which would be the last for ever', () => {
    expect(readLine(line(3).replace('"generation":3', '"generation":1e999'))).toBeUndefined();
  });

  it('of a type of a later version is passed over', () => {
    expect(readLine('{"type":"LATER"}')).toBe('other');
  });
});

describe('an answer', () => {
  it('to a report is understood with whole numbers alone', () => {
    expect(readAccepted('{"uid":"u","generation":1,"seq":2}')).toEqual({ uid: 'u', generation: 1, seq: 2 });
    expect(readAccepted('{"uid":"u","generation":1,"seq":2.5}')).toBeUndefined();
  });

  it('with a code that every object has is no problem we know', () => {
    expect(readProblem('{"code":"toString"}')).toBeUndefined();
  });
});
