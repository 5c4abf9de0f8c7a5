/** All rows: the API server and the in-process validation have to agree on each of them. */
import { amounts, general, selectors, steps, versions } from './policyrows.ts';
import type { Row } from './row.ts';
import { shadows, statuses } from './shadowrows.ts';
import { blackout, maintenance } from './windowrows.ts';

export const TABLES: Readonly<Record<string, readonly Row[]>> = {
  general,
  amounts,
  selectors,
  versions,
  steps,
  maintenance,
  blackout,
  shadows,
  statuses,
};
