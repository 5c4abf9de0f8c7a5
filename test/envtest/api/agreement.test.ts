/** What the CRD accepts, the controller can work with. */
import { describe, expect, it } from 'vitest';
import type { UpdatePolicy } from '../../../src/api/v1/updatepolicy.ts';
import { validateObject } from '../../../src/api/validation/validate.ts';
import { validatePolicy } from '../../../src/policy/validate.ts';
import { TABLES } from './rows.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const accepted = Object.values(TABLES)
  .flat()
  .filter(({ kind, refused }) => kind === 'UpdatePolicy' && refused.length === 0);

describe('an accepted policy', () => {
  it.each(accepted)('$title', ({ object }) => {
    const completed = validateObject('UpdatePolicy', object).object as UpdatePolicy;
    expect(validatePolicy(completed, NOW)).toEqual([]);
  });
});
