import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { RETRY_ANNOTATION } from '../../../src/api/names.ts';
import type { BottlerocketShadow } from '../../../src/api/v2/bottlerocketshadow.ts';
import { attemptsOf } from '../../../src/sim/timeline/attempts.ts';
import { Casualties } from '../story/casualties.ts';
import { RealCluster } from '../story/cluster.ts';
import { faultsOf } from '../story/sound.ts';
import { Story } from '../story/story.ts';

/** What the controller asks of a host, in turn; last that it is done. */
const STATES = ['StagedAndPerformedUpdate', 'RebootedIntoUpdate', 'MonitoringUpdate', 'Idle'] as const;
const VICTIMS = ['controller', 'apiserver', 'agent', 'machine'] as const;
type Victim = (typeof VICTIMS)[number];

/** Who was killed, and what had been asked of the host at that moment. */
interface Kill {
  victim: Victim;
  state: string;
}

const nodesNamed = (names: readonly string[]) => ({
  nodeSelector: {
    matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In' as const, values: [...names] }],
  },
});

describe('killed at every step', () => {
  let cluster: RealCluster;
  let story: Story;
  let casualties: Casualties;
  let version: string;
  const versions: string[] = [];
  const killed: Kill[] = [];
  const [pair, stubborn] = [() => cluster.nodes.slice(0, 2), () => cluster.nodes[2] ?? ''];

  const kill = (victim: Victim, node: string): Promise<void> => casualties[victim](node);
  const shadowOf = async (node: string): Promise<BottlerocketShadow | undefined> =>
    (await story.shadows()).get(node);
  const until = (node: string, what: string, is: (shadow: BottlerocketShadow) => boolean): Promise<void> =>
    story.waitFor(`${node}: ${what}`, 180_000, async () => {
      const shadow = await shadowOf(node);
      return shadow !== undefined && is(shadow);
    });

  /** Takes the next node of the two through its update; in each state somebody else is killed than in the last one. */
  async function attempt(turn: number, done: Set<string>): Promise<void> {
    let node = '';
    await story.waitFor('the next node starts', 180_000, async () => {
      const shadows = await story.shadows();
      node = pair().find((each) => !done.has(each) && shadows.get(each)?.spec.state === STATES[0]) ?? '';
      return node !== '';
    });
    for (const [step, state] of STATES.entries()) {
      const victim = VICTIMS[(turn + step) % VICTIMS.length]!;
      await until(node, state, ({ spec }) => spec.state === state);
      await kill(victim, node);
      killed.push({ victim, state });
    }
    done.add(node);
  }

  async function release(turns: readonly number[]): Promise<void> {
    const done = new Set<string>();
    for (const turn of turns) await attempt(turn, done);
  }

  /** A host that cannot stage: in each of its attempts somebody else is killed as it says so. */
  async function failAndKill(): Promise<void> {
    const node = stubborn();
    for (const victim of VICTIMS) {
      await until(node, 'staging fails', ({ status }) => status?.current_state === 'ErrorReset');
      await kill(victim, node);
      killed.push({ victim, state: 'ErrorReset' });
      if (victim === VICTIMS.at(-1)) await cluster.host(node, { do: 'clear' });
      await until(
        node,
        'is put back',
        ({ spec, status }) => spec.state === 'Idle' && status?.current_state === 'Idle',
      );
      const now = new Date().toISOString();
      await cluster.kubectl(['annotate', 'node', node, '--overwrite', `${RETRY_ANNOTATION}=${now}`]);
    }
  }

  beforeAll(async () => {
    cluster = await RealCluster.open(inject('storyCluster'));
    story = await Story.begin(cluster, {
      title: 'Killed at every step',
      about:
        'Controller, API servers, agent and machine are killed without a word, each once in every state of an update and when staging fails.',
    });
    casualties = new Casualties(story);
    await cluster.host(stubborn(), { do: 'fault', name: 'writeError' });
    await story.applyPolicy('killed', { ...nodesNamed(pair()), health: { stableFor: '5s' }, mode: 'Paused' });
    await story.applyPolicy('stubborn', { ...nodesNamed([stubborn()]), mode: 'Paused' });
    versions.push(await story.publishNext());
    // Before anything has started, all at once.
    await Promise.all([
      casualties.machine(cluster.nodes[0]!),
      casualties.controller(),
      casualties.apiserver(),
      casualties.agent(cluster.nodes[1]!),
    ]);
    for (const name of ['killed', 'stubborn'])
      await cluster.kubectl(['patch', 'upol', name, '--type=merge', '-p', '{"spec":{"mode":"Enabled"}}']);
    const failing = failAndKill();
    await Promise.all([failing, release([0, 1])]);
    versions.push(await story.publishNext());
    await release([2, 3]);
    version = versions.at(-1)!;
    await story.updatedTo(version, 240_000);
    await casualties.returned();
  });
  afterAll(async () => {
    await cluster.host(stubborn(), { do: 'clear' });
    await story.end();
    await cluster.kubectl(['annotate', 'node', stubborn(), `${RETRY_ANNOTATION}-`]);
    await cluster.close();
  });

  test.each(VICTIMS)('the %s was killed in every state', (victim) => {
    const states = killed.filter((each) => each.victim === victim).map(({ state }) => state);
    expect(states.toSorted()).toEqual([...STATES, 'ErrorReset'].toSorted());
  });

  test('all the same every machine went through in order, and none is left cordoned', () => {
    expect(faultsOf(story.timeline, 2)).toEqual([]);
  });

  test('each was updated to each version once', () => {
    const updated = attemptsOf(story.timeline)
      .filter(({ marks }) => marks.some(({ kind }) => kind === 'updated'))
      .map(({ node, text }) => `${node}, ${text.replace(/^attempt \d+ /, '')}`);
    const expected = pair().flatMap((node) => versions.map((each) => `${node}, to ${each}`));
    expect(updated.filter((each) => !each.startsWith(stubborn())).toSorted()).toEqual(expected.toSorted());
    expect(new Set(updated).size).toBe(updated.length);
  });

  test('nothing was counted as a failure', async () => {
    for (const name of ['killed', 'stubborn'])
      expect((await story.policy(name)).status?.halt ?? null).toBeNull();
  });
});
