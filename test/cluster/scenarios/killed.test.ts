import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { BottlerocketShadow } from '../../../src/api/v2/bottlerocketshadow.ts';
import { attemptsOf } from '../../../src/sim/timeline/attempts.ts';
import { Casualties } from '../story/casualties.ts';
import type { RealCluster } from '../story/cluster.ts';
import { takeCluster } from '../story/pool.ts';
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

  const shadowOf = async (node: string): Promise<BottlerocketShadow | undefined> =>
    (await story.shadows()).get(node);
  const until = (node: string, what: string, is: (shadow: BottlerocketShadow) => boolean): Promise<void> =>
    story.waitFor(`${node}: ${what}`, 180_000, async () => {
      const shadow = await shadowOf(node);
      return shadow !== undefined && is(shadow);
    });

  /** Takes a node through its update to a version; in each state somebody else is killed than in the last one. */
  async function release(node: string, to: string, turn: number): Promise<void> {
    for (const [step, state] of STATES.entries()) {
      const victim = VICTIMS[(turn + step) % VICTIMS.length]!;
      const isDone = state === 'Idle';
      // Without its agent a node may be put back, and then it begins anew.
      await until(node, `${state}, ${to}`, ({ spec, status }) =>
        isDone
          ? spec.state === state && status?.current_version === to
          : spec.state === state && spec.version === to,
      );
      await casualties[victim](node);
      killed.push({ victim, state });
    }
  }

  /** A host that cannot stage says so, and everybody is killed at once. */
  async function failAndKill(): Promise<void> {
    const node = stubborn();
    await until(node, 'staging fails', ({ status }) => status?.current_state === 'ErrorReset');
    await killAll(node, 'ErrorReset');
    await cluster.host(node, { do: 'clear' });
    // Not before it has been put back and counted.
    await until(node, 'waits', ({ status }) => status?.update?.reason === 'Backoff');
    await story.forgive([node]);
  }

  async function killAll(node: string, state: string): Promise<void> {
    await Promise.all(VICTIMS.map((victim) => casualties[victim](node)));
    killed.push(...VICTIMS.map((victim) => ({ victim, state })));
  }

  const bothTo = async (to: string, turn: number): Promise<void> => {
    await Promise.all(pair().map((node, index) => release(node, to, turn + index)));
  };

  const setMode = (name: string, mode: 'Enabled' | 'Paused'): Promise<unknown> =>
    cluster.kubectl(['patch', 'upol', name, '--type=merge', '-p', JSON.stringify({ spec: { mode } })]);

  beforeAll(async () => {
    cluster = await takeCluster(inject('storyClusters'));
    story = await Story.begin(cluster, {
      title: 'Killed at every step',
      about:
        'Controller, API servers, agent and machine are killed without a word, each of them in every state of an update: before it, in each of its steps, and when staging fails.',
    });
    casualties = new Casualties(story);
    await cluster.host(stubborn(), { do: 'fault', name: 'writeError' });
    await story.applyPolicy('killed', {
      ...nodesNamed(pair()),
      maxConcurrentUpdates: 2,
      health: { stableFor: '5s' },
      mode: 'Paused',
    });
    await story.applyPolicy('stubborn', { ...nodesNamed([stubborn()]), mode: 'Paused' });
    versions.push(await story.publishNext());
    // Before anything has started.
    await killAll(pair()[0]!, 'before');
    await setMode('stubborn', 'Enabled');
    await setMode('killed', 'Enabled');
    const failing = failAndKill();
    await bothTo(versions[0]!, 0);
    await setMode('killed', 'Paused');
    versions.push(await story.publishNext());
    await setMode('killed', 'Enabled');
    await bothTo(versions[1]!, 2);
    await failing;
    version = versions.at(-1)!;
    await story.updatedTo(version, 240_000);
    await casualties.returned();
  });
  afterAll(async () => {
    await cluster.host(stubborn(), { do: 'clear' });
    await story.end();
    await cluster.close();
  });

  test.each(VICTIMS)('the %s was killed in every state', (victim) => {
    const states = killed.filter((each) => each.victim === victim).map(({ state }) => state);
    expect(states.toSorted()).toEqual(['before', ...STATES, 'ErrorReset'].toSorted());
  });

  test('all the same every machine went through in order, and none is left cordoned', () => {
    expect(faultsOf(story.timeline, 3)).toEqual([]);
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
