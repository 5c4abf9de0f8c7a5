import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cancelUpgrade,
  clearInactive,
  freshSlots,
  grubNext,
  markInactiveValid,
  markSuccessfulBoot,
  nextByFlags,
  rollbackToInactive,
  upgradeToInactive,
} from './gpt.ts';
import type { SlotName, Slots } from './gpt.ts';

const image = { arch: 'x86_64', variant: 'v', version: '1.0.0' };
/** priority, tries, successful of a slot, as in the table of signpost. */
const flags = (slots: Slots, name: SlotName): string => {
  const { priority, tries, successful } = slots[name];
  return `${priority}/${tries}/${successful ? 1 : 0}`;
};
const prepared = (): Slots => {
  const slots = freshSlots(image);
  clearInactive(slots, 'A');
  slots.B.image = image;
  markInactiveValid(slots, 'A');
  return slots;
};
const activated = (): Slots => {
  const slots = prepared();
  upgradeToInactive(slots, 'A');
  return slots;
};

describe('GPT flags', () => {
  it.each<[string, () => Slots, string, string]>([
    ['fresh', () => freshSlots(image), '1/0/1', '0/0/0'],
    ['prepared', prepared, '1/0/1', '0/1/0'],
    ['activated', activated, '1/0/1', '2/1/0'],
  ])('of a %s disk', (...row) => {
    const [, make, a, b] = row;
    const slots = make();
    expect([flags(slots, 'A'), flags(slots, 'B')]).toEqual([a, b]);
  });

  it('keep the try when an upgrade is cancelled, so that it can be activated again', () => {
    const slots = activated();
    cancelUpgrade(slots, 'A');
    expect([flags(slots, 'A'), flags(slots, 'B')]).toEqual(['2/0/1', '0/1/0']);
    expect(upgradeToInactive(slots, 'A')).toBeUndefined();
  });

  it('refuse to activate what is empty, and what is activated or was booted', () => {
    expect(upgradeToInactive(freshSlots(image), 'A')).toMatch(/has not been marked valid/);
    expect(upgradeToInactive(activated(), 'A')).toMatch(/already marked for upgrade/);
  });
});

describe('the boot loader', () => {
  it('gives a new slot one try and falls back when it was not successful', () => {
    const slots = activated();
    expect(nextByFlags(slots)).toBe('B');
    expect(grubNext(slots)).toBe('B');
    expect(flags(slots, 'B')).toBe('2/0/0');
    expect(grubNext(slots)).toBe('A');
  });

  it('stays with a slot that was successful', () => {
    const slots = activated();
    grubNext(slots);
    markSuccessfulBoot(slots, 'B');
    expect([grubNext(slots), grubNext(slots)]).toEqual(['B', 'B']);
  });

  it('never boots priority 0, though signpost thinks it would', () => {
    const slots = freshSlots(image);
    slots.A.priority = 0;
    expect(nextByFlags(slots)).toBe('A');
    expect(grubNext(slots)).toBeUndefined();
  });

  it('goes back and forth by rollback, and both stay successful', () => {
    const slots = activated();
    grubNext(slots);
    markSuccessfulBoot(slots, 'B');
    expect(rollbackToInactive(slots, 'B')).toBe(true);
    expect(grubNext(slots)).toBe('A');
    expect(rollbackToInactive(slots, 'A')).toBe(true);
    expect(grubNext(slots)).toBe('B');
  });

  it('always finds something bootable, whatever the tools were used for', () => {
    const operation = fc.constantFrom('prepare', 'activate', 'deactivate', 'boot', 'panic');
    fc.assert(
      fc.property(fc.array(operation), (operations) => {
        const slots = freshSlots(image);
        let running: SlotName = 'A';
        for (const name of operations) {
          if (name === 'prepare') {
            clearInactive(slots, running);
            markInactiveValid(slots, running);
          } else if (name === 'activate') upgradeToInactive(slots, running);
          else if (name === 'deactivate') cancelUpgrade(slots, running);
          else {
            const next = grubNext(slots);
            expect(next).toBeDefined();
            if (
              name === 'panic' &&
              slots[next as SlotName].tries === 0 &&
              !slots[next as SlotName].successful
            ) {
              expect(grubNext(slots)).toBe(running);
            } else {
              running = next as SlotName;
              markSuccessfulBoot(slots, running);
            }
          }
        }
      }),
    );
  });
});
