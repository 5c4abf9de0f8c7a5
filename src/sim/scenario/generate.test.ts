import { describe, expect, it } from 'vitest';
import { validateObject } from '../../api/validation/validate.ts';
import { validatePolicy } from '../../policy/validate.ts';
import { eventTypes } from './events/registry.ts';
import { generateScenario } from './generate.ts';

const stories = Array.from({ length: 400 }, (_, seed) => generateScenario(String(seed)));

describe('a story made from a seed', () => {
  it('is plain data, and the same every time', () => {
    for (const story of stories.slice(0, 20)) {
      expect(JSON.parse(JSON.stringify(story))).toEqual(story);
      expect(generateScenario(story.seed)).toEqual(story);
    }
  });

  it('has policies that the API and the controller take', () => {
    for (const { policies, startsAt } of stories) {
      for (const policy of policies) {
        const { errors } = validateObject('UpdatePolicy', policy);
        expect([...errors, ...validatePolicy(policy, Date.parse(startsAt))], JSON.stringify(policy)).toEqual(
          [],
        );
      }
    }
  });

  it('has its events in order, all of them before the calm', () => {
    for (const { events, calmAfterMs } of stories) {
      const times = events.map(({ atMs }) => atMs);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(Math.max(0, ...times)).toBeLessThan(calmAfterMs);
    }
  });

  it('is about every kind of event sooner or later', () => {
    const seen = new Set(stories.flatMap(({ events }) => events.map(({ type }) => type)));
    expect([...seen].toSorted()).toEqual([...eventTypes].toSorted());
  });
});
