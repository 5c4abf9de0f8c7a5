import { describe, expect, it } from 'vitest';
import { generateScenario } from './generate.ts';
import type { Scenario } from './scenario.ts';
import { shrink } from './shrink.ts';

const hostFault = (atMs: number, node: string): Scenario['events'][number] => ({
  type: 'hostFault',
  atMs,
  node,
  fault: 'apiDown',
  spec: {},
});

function storyOf(events: Scenario['events']): Scenario {
  return {
    ...generateScenario('1'),
    nodes: ['a', 'b', 'c'].map((name) => ({ name, labels: {} })),
    events,
    calmAfterMs: 3_600_000,
  };
}

describe('shrinking a story', () => {
  it('leaves the two events that only together make it fail, and the node they are about', async () => {
    const events = Array.from({ length: 20 }, (_, i) => hostFault(i * 1000, ['a', 'b', 'c'][i % 3] ?? 'a'));
    const needed = new Set([4000, 13_000]);
    const smallest = await shrink(storyOf(events), {
      fails: (story) =>
        Promise.resolve(story.events.filter(({ atMs }) => needed.has(atMs)).length === needed.size),
    });
    expect(smallest.events.map(({ atMs }) => atMs)).toEqual([4000, 13_000]);
    expect(smallest.nodes.map(({ name }) => name)).toEqual(['b']);
    expect(smallest.calmAfterMs).toBe(60_000);
  });

  it('halves what lasts, down to what the failure needs', async () => {
    const story = storyOf([{ type: 'apiFaults', atMs: 0, forMs: 64_000, rate: 0.5, faults: ['late'] }]);
    const smallest = await shrink(story, {
      fails: ({ events }) =>
        Promise.resolve(events.some((event) => event.type === 'apiFaults' && event.forMs >= 8000)),
    });
    expect(smallest.events).toMatchObject([{ forMs: 8000 }]);
  });

  it('plays no more stories than its patience', async () => {
    let played = 0;
    const events = Array.from({ length: 50 }, (_, i) => hostFault(i, 'a'));
    await shrink(storyOf(events), { patience: 10, fails: () => Promise.resolve(++played > 1e6) });
    expect(played).toBe(10);
  });

  it('gives back a story of which nothing can go', async () => {
    const story = { ...storyOf([]), nodes: [{ name: 'a', labels: {} }], calmAfterMs: 60_000 };
    expect(await shrink(story, { fails: () => Promise.resolve(true) })).toEqual(story);
  });
});
