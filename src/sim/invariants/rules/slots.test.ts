/* oxlint-disable unicorn/consistent-function-scoping -- what a table asks stands with it */
import { describe, expect, it } from 'vitest';
import { cordonMark, entry, judge, node, policy, shadow, under } from './judging.fixture.ts';
import type { Circumstances } from './judging.fixture.ts';
import {
  disruptedIsInLedger,
  inFlightIsInLedger,
  ledgerKeepsLimit,
  slotsAreFreedClean,
  startsAreReserved,
} from './slots.ts';

const STAGING = 'StagedAndPerformedUpdate';
const held = (...entries: ReturnType<typeof entry>[]) => policy({}, { updating: entries });
const DOWN = {
  node: 'n1',
  byOthers: false,
  event: { type: 'down', bootId: 'b', version: '1', previous: { bootId: 'b', version: '1' } },
} as const;

describe('a node in flight', () => {
  it('is in the ledger', () => {
    const change = { before: shadow(), after: under(STAGING) };
    expect(judge(inFlightIsInLedger)('shadow', change, { policies: [held(entry())] })).toBe('');
    expect(judge(inFlightIsInLedger)('shadow', change)).toContain('without a slot');
  });

  it.each<[string, Parameters<typeof under>[1], string, ReturnType<typeof held>, string]>([
    ['with its slot', { attempt: 2 }, 'controller-0', held(entry({ attempt: 2 })), ''],
    ['by an API server', { attempt: 2 }, 'apiserver-0', held(entry({ attempt: 2 })), 'by apiserver-0'],
    ['without one', { attempt: 2 }, 'controller-0', held(), 'without a slot'],
    ['with that of another attempt', { attempt: 2 }, 'controller-0', held(entry()), 'for another'],
    [
      'with that of another version',
      { attempt: 2, version: '1.43.0' },
      'controller-0',
      held(entry({ attempt: 2 })),
      'for another',
    ],
    [
      'with one that has ended',
      { attempt: 2 },
      'controller-0',
      held(entry({ attempt: 2, phase: 'Ended' })),
      'for another',
    ],
    ['two attempts on', { attempt: 3 }, 'controller-0', held(entry({ attempt: 3 })), 'skips'],
  ])('is started %s', (...[, spec, by, ledger, expected]) => {
    const verdict = judge(startsAreReserved)(
      'shadow',
      { before: shadow(), after: under(STAGING, spec) },
      { by, policies: [ledger] },
    );
    if (expected === '') expect(verdict).toBe('');
    else expect(verdict).toContain(expected);
  });

  it('begins with the first state', () => {
    const change = { before: shadow(), after: under('RebootedIntoUpdate', { attempt: 2 }) };
    expect(judge(startsAreReserved)('shadow', change)).toContain('begins with');
  });

  it.each([
    ['cordoned', 'node', { before: node(), after: node({ cordoned: true, marks: cordonMark() }) }],
    ['rebooted', 'down', DOWN],
  ] as const)('has a slot when it is %s', (_name, kind, what) => {
    expect(judge(disruptedIsInLedger)(kind, what, { policies: [held(entry())] })).toBe('');
    expect(judge(disruptedIsInLedger)(kind, what)).toContain('without a slot');
  });

  it('is no matter of the ledger when others reboot it', () => {
    expect(judge(disruptedIsInLedger)('down', { ...DOWN, byOthers: true })).toBeUndefined();
  });
});

describe('the limit', () => {
  const second = entry({ node: 'n2', shadowUid: 'shadow-n2', attempt: 2 });
  const two = shadow({}, {}, { name: 'brs-n2', uid: 'shadow-n2' });
  const filled = (limit: number | string, ...entries: ReturnType<typeof entry>[]) =>
    judge(ledgerKeepsLimit)(
      'policy',
      { before: held(entry()), after: policy({ maxConcurrentUpdates: limit }, { updating: entries }) },
      { shadows: [under(STAGING), two] },
    );

  it('is kept', () => {
    expect(filled(2, entry(), second)).toBe('');
    expect(filled(1, entry(), second)).toContain('uses 2 slots of 1');
    expect(filled('0%', entry(), second)).toContain('of 0');
  });

  it('does not count a silent host, nor what is under way already', () => {
    expect(filled(1, entry({ phase: 'Lost' }), second)).toBe('');
    const adopted = { ...second, attempt: 1 };
    expect(filled(1, entry(), adopted)).toBeUndefined();
  });
});

describe('a slot is freed', () => {
  const freed = (fields: Circumstances) =>
    judge(slotsAreFreedClean)('policy', { before: held(entry()), after: held() }, fields);

  it('when the node is as it was', () => {
    expect(freed({ shadows: [shadow()] })).toBe('');
    expect(freed({ shadows: [shadow()], nodes: [] })).toBe('');
  });

  it('not while the shadow is under way, or a mark is there', () => {
    expect(freed({ shadows: [under(STAGING)] })).toContain('freed in state');
    expect(freed({ nodes: [node({ cordoned: true, marks: cordonMark() })] })).toContain(
      'with its mark cordon',
    );
  });
});
