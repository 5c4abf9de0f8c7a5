import { describe, expect, it } from 'vitest';
import type { BottlerocketShadow } from '../../api/v2/bottlerocketshadow.ts';
import type { Action, NodeReason } from './actions.ts';
import { NodeReasons } from './nodereasons.ts';
import type { RolloutPlan } from './plan.ts';
import { Shower } from './shower.ts';
import type { NodeFacts, Snapshot } from './snapshot.ts';

const NOW = Date.parse('2026-01-10T10:00:00Z');
const WAITING: NodeReason = { reason: 'NoSlot', message: 'All slots are in use.' };

const shadowOf = (name: string): BottlerocketShadow => ({
  metadata: { name: `brs-${name}`, namespace: 'ns', uid: `shadow-${name}`, resourceVersion: '1' },
  spec: { state: 'Idle' },
});

const factsOf = (row: number): NodeFacts => {
  const name = `n${row}`;
  const facts: Partial<NodeFacts> = {
    name,
    row,
    node: { metadata: { name, uid: `node-${name}` } },
    shadow: shadowOf(name),
  };
  return facts as NodeFacts;
};

/** Nodes of which the first so many are written by a step; all have a reason that is not shown yet. */
function situation(nodes: number, steps: number): [Snapshot, RolloutPlan] {
  const facts = Array.from({ length: nodes }, (_, row) => factsOf(row));
  const snapshot: Partial<Snapshot> = {
    now: NOW,
    nodes: new Map(facts.map((each) => [each.name, each])),
    isFresh: () => true,
    ledger: new Map(),
  };
  const reasons = new NodeReasons();
  for (const each of facts) reasons.set(each, WAITING);
  const actions = facts.slice(0, steps).map(({ name }): Action => ({
    do: 'patchShadow',
    shadow: shadowOf(name),
    patch: {},
    why: 'Starting an update',
  }));
  return [snapshot as Snapshot, { actions, reasons, wakeAtMs: undefined }];
}

const shown = (actions: readonly Action[]): string[] =>
  actions.flatMap((action) => (action.do === 'patchShadow' ? [action.shadow.metadata.name] : []));

describe('what is shown in a pass', () => {
  it('leaves out the shadows that a step writes anyway', () => {
    const { actions } = new Shower().show(...situation(3, 1));
    expect(shown(actions)).toEqual(['brs-n1', 'brs-n2']);
  });

  it('is bounded, and the rest follows at once', () => {
    const { actions, wakeAtMs } = new Shower().show(...situation(500, 0));
    expect(actions.length).toBe(200);
    expect(wakeAtMs).toBe(NOW);
  });

  it.each([
    [31, 200],
    [32, 0],
    [400, 0],
  ])('with %i steps to be written is %i shadows', (steps, expected) => {
    const { actions } = new Shower().show(...situation(500, steps));
    expect(actions.length).toBe(expected);
  });

  it('comes when the steps are written', () => {
    const shower = new Shower();
    expect(shower.show(...situation(40, 35)).actions).toEqual([]);
    expect(shower.show(...situation(40, 0)).actions.length).toBe(40);
  });
});
