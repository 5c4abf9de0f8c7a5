import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LedgerPhase } from '../api/v1/updatepolicy.ts';
import { Budget, MAX_LEDGER, resolveLimit, unavailableNodes } from './budget.ts';
import type { BudgetInput } from './budget.ts';

const NONE = Number.POSITIVE_INFINITY;
const taken = (node: string, phase: LedgerPhase = 'Reserved') => ({ node, phase });
/** Nodes are named after their domain: a-1 is in domain a; x-1 has no label; gone-1 is gone. */
const domainOf = (node: string): string | undefined => {
  const [domain] = node.split('-');
  return domain === 'gone' ? undefined : domain === 'x' ? '' : domain;
};
const budget = (input: Partial<BudgetInput>): Budget =>
  new Budget({ limit: NONE, maxUnavailable: NONE, topology: null, ledger: [], usedByOthers: [], unavailable: new Set(), domainOf, ...input }); // prettier-ignore
const rack = (maxConcurrentUpdates: number, maxDomains = 0) => ({
  key: 'rack',
  maxConcurrentUpdates,
  maxDomains,
});

describe('limits', () => {
  it.each([
    [0, 40, 0],
    [3, 40, 3],
    [3, 0, 3],
    ['0%', 40, 0],
    ['10%', 40, 4],
    ['10%', 49, 4],
    ['1%', 40, 1],
    ['99%', 1, 1],
    ['10%', 0, 1],
    ['100%', 40, NONE],
    ['050%', 10, 5],
  ])('%j of %d nodes is %d', (limit, total, expected) => expect(resolveLimit(limit, total)).toBe(expected));

  it.each([-1, 1.5, Number.NaN, '4', '', '101%', '-5%', '5 %', '5.5%', 'all', '%', '1000%'])(
    '%j is refused',
    (limit) =>
      expect(() => resolveLimit(limit, 10)).toThrow(
        'is neither a whole number from 0 nor a percentage from "0%" to "100%": write one like 4 or "25%"',
      ),
  );

  it('a percentage above 0 allows at least one and never more than its part, rounded down', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 99 }), fc.nat(10_000), (percent, total) => {
        const limit = resolveLimit(`${percent}%`, total);
        expect(limit).toBeGreaterThanOrEqual(1);
        expect(limit === 1 || limit * 100 <= percent * total).toBe(true);
        expect((limit + 1) * 100).toBeGreaterThan(percent * total);
      }),
    );
  });
});

describe('slots', () => {
  it('are free below the limit', () =>
    expect(budget({ limit: 2, ledger: [taken('a-1')] }).slot()).toBeUndefined());

  it.each<[string, Partial<BudgetInput>, string]>([
    [
      'all are taken',
      { limit: 2, ledger: [taken('a-2'), taken('a-1')] },
      '2 of 2 slots are taken, by a-1, a-2.',
    ],
    ['one is resting', { limit: 1, ledger: [taken('a-1', 'Resting')] }, '1 of 1 slots are taken, by a-1.'],
    ['one failed and is not back yet', { limit: 1, ledger: [taken('a-1', 'Failed')] }, 'by a-1.'],
    ['another policy updates a selected node', { limit: 1, usedByOthers: ['b-1'] }, 'by b-1.'],
    ['the limit was lowered', { limit: 1, ledger: [taken('a-1'), taken('a-2')] }, '2 of 1 slots are taken'],
    ['none are allowed', { limit: 0 }, 'spec.maxConcurrentUpdates allows no node.'],
  ])('are none when %s', (...[, input, message]) =>
    expect(budget(input).slot()).toEqual({
      reason: 'NoSlot',
      message: expect.stringContaining(message) as string,
    }),
  );

  it('are not held by a machine that is lost', () =>
    expect(budget({ limit: 1, ledger: [taken('a-1', 'Lost')] }).slot()).toBeUndefined());

  it('are counted as the plan goes on', () => {
    const plan = budget({ limit: 2 });
    for (const node of ['a-1', 'a-2']) {
      expect(plan.slot()).toBeUndefined();
      plan.take(node);
    }
    expect(plan.slot()?.message).toContain('2 of 2 slots are taken, by a-1, a-2.');
  });

  it('end where the ledger is full', () => {
    const ledger = Array.from({ length: MAX_LEDGER - 1 }, (_, index) => taken(`a-${index}`, 'Lost'));
    const plan = budget({ ledger });
    expect(plan.ledger()).toBeUndefined();
    plan.take('b-1');
    expect(plan.ledger()).toMatchObject({ reason: 'LedgerFull' });
  });
});

const node = (name: string, facts: object = {}) => ({
  name,
  ready: true,
  unschedulable: false,
  deleting: false,
  ...facts,
});

describe('unavailable nodes', () => {
  it('are those not Ready, cordoned or being deleted', () =>
    expect([
      ...unavailableNodes([
        node('a', { ready: false }),
        node('b', { unschedulable: true }),
        node('c', { deleting: true }),
        node('d'),
        node('e', { ready: false, deleting: true }),
      ]),
    ]).toEqual(['a', 'b', 'c', 'e']));

  it('count once, together with those being updated', () => {
    const input = { maxUnavailable: 3, unavailable: new Set(['a-1', 'a-2']), ledger: [taken('a-2')] };
    expect(budget(input).unavailable('a-3')).toBeUndefined();
    expect(budget({ ...input, usedByOthers: ['b-1'] }).unavailable('a-3')).toEqual({
      reason: 'MaxUnavailable',
      message: expect.stringContaining('3 selected nodes are unavailable or being updated, spec.maxUnavailable is 3: a-1, a-2, b-1.') as string, // prettier-ignore
    });
  });

  it('a node that is unavailable already adds none', () =>
    expect(budget({ maxUnavailable: 1, unavailable: new Set(['a-1']) }).unavailable('a-1')).toBeUndefined());

  it('include a lost machine', () =>
    expect(budget({ maxUnavailable: 1, ledger: [taken('a-1', 'Lost')] }).unavailable('a-2')).toBeDefined());

  it('send back as few nodes as needed when more became unavailable', () => {
    const plan = budget({
      maxUnavailable: 2,
      ledger: [taken('a-1'), taken('a-2')],
      unavailable: new Set(['a-3']),
    });
    expect(plan.stillUnavailable()).toMatchObject({ reason: 'MaxUnavailable' });
    plan.putBack('a-1', false);
    expect(plan.stillUnavailable()).toBeUndefined();
  });

  it('stay so when put back but not Ready', () => {
    const plan = budget({ maxUnavailable: 1, ledger: [taken('a-1'), taken('a-2')] });
    plan.putBack('a-1', true);
    expect(plan.stillUnavailable()).toBeDefined();
  });
});

describe('failure domains', () => {
  it.each<[string, Partial<BudgetInput>, string, string | undefined]>([
    ['room in the domain', { topology: rack(1), ledger: [taken('a-1')] }, 'b-1', undefined],
    ['none in the domain', { topology: rack(1), ledger: [taken('a-1')] }, 'a-2', '1 of 1 nodes with rack a are being updated: a-1.'],
    ['a lost machine counts in its domain', { topology: rack(1), ledger: [taken('a-1', 'Lost')] }, 'a-2', 'rack a'],
    ['so does one of another policy', { topology: rack(1), usedByOthers: ['a-1'] }, 'a-2', 'rack a'],
    ['nodes without the label form one domain', { topology: rack(1), ledger: [taken('x-1')] }, 'x-2', 'rack (none)'],
    ['a node that is gone counts nowhere', { topology: rack(1), ledger: [taken('gone-1')] }, 'x-2', undefined],
    ['one domain at a time', { topology: rack(2, 1), ledger: [taken('a-1')] }, 'b-1', '1 of 1 values of rack are being worked on: a.'],
    ['the same domain goes on', { topology: rack(2, 1), ledger: [taken('a-1')] }, 'a-2', undefined],
    ['two domains at a time', { topology: rack(2, 2), ledger: [taken('a-1')] }, 'b-1', undefined],
    ['no topology', { ledger: [taken('a-1')] }, 'a-2', undefined],
  ])('%s', (...[, input, node, message]) => {
    const blocked = budget(input).topology(node);
    if (message === undefined) expect(blocked).toBeUndefined();
    else expect(blocked).toEqual({ reason: 'TopologyLimit', message: expect.stringContaining(message) as string });
  }); // prettier-ignore

  it('a node that is being updated counts in its domain itself', () => {
    const plan = budget({ topology: rack(1), ledger: [taken('a-1')] });
    expect(plan.stillTopology('a-1')).toBeUndefined();
    expect(
      budget({ topology: rack(1), ledger: [taken('a-1'), taken('a-2')] }).stillTopology('a-1'),
    ).toBeDefined();
  });

  it('no plan exceeds any limit, and it stops only at one', () => {
    const nodes = ['a', 'b', 'c', 'x'].flatMap((domain) => [1, 2, 3, 4].map((index) => `${domain}-${index}`));
    const drawn = fc.record({
      limit: fc.nat(8),
      maxUnavailable: fc.nat(10),
      perDomain: fc.integer({ min: 1, max: 3 }),
      maxDomains: fc.nat(3),
      unavailable: fc.subarray(nodes, { maxLength: 4 }),
      ledger: fc.subarray(nodes, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(drawn, ({ limit, maxUnavailable, perDomain, maxDomains, unavailable, ledger }) => {
        const plan = budget({
          limit,
          maxUnavailable,
          topology: rack(perDomain, maxDomains),
          unavailable: new Set(unavailable),
          ledger: ledger.map((node) => taken(node)),
        });
        const started = nodes.filter((node) => {
          if (ledger.includes(node)) return false;
          if (plan.slot() ?? plan.unavailable(node) ?? plan.topology(node)) return false;
          plan.take(node);
          return true;
        });
        if (started.length === 0) return;
        const inFlight = [...ledger, ...started];
        expect(inFlight.length).toBeLessThanOrEqual(limit);
        expect(new Set([...inFlight, ...unavailable]).size).toBeLessThanOrEqual(maxUnavailable);
        const domains = Map.groupBy(inFlight, (node) => domainOf(node) ?? '');
        for (const [domain, members] of domains)
          if (started.some((node) => domainOf(node) === domain))
            expect(members.length).toBeLessThanOrEqual(perDomain);
        const fromLedger = new Set(ledger.map(domainOf)).size;
        if (maxDomains > 0) expect(domains.size).toBeLessThanOrEqual(Math.max(maxDomains, fromLedger));
      }),
      { numRuns: 500 },
    );
  });
});
