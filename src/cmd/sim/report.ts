/** What a long run found, in Markdown. */
import { totalsLine } from './many.ts';
import type { Totals } from './many.ts';
import { failureLine } from './single.ts';

/** The whole report. */
export function reportOf(totals: Totals): string {
  const failures = totals.failed.flatMap(({ seed, outcome }) =>
    outcome.failures.slice(0, 3).map((failure) => `* seed ${seed}: ${failureLine(failure)}`),
  );
  return [
    '# Simulation',
    '',
    totalsLine(totals),
    '',
    '## What failed',
    '',
    ...(failures.length === 0 ? ['Nothing.'] : failures),
    '',
    '## How often each rule had something to judge',
    '',
    '| rule | judged |',
    '|---|---|',
    ...[...totals.judged].map(([rule, count]) => `| ${rule} | ${count} |`),
    '',
  ].join('\n');
}
