/** What a stage of the test run counts. */

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export const add = (a: Counts, b: Counts): Counts => ({
  passed: a.passed + b.passed,
  failed: a.failed + b.failed,
  skipped: a.skipped + b.skipped,
});

export const NOTHING: Counts = { passed: 0, failed: 0, skipped: 0 };
/** A stage that is one test by itself. */
export const ONE_PASSED: Counts = { ...NOTHING, passed: 1 };
export const ONE_FAILED: Counts = { ...NOTHING, failed: 1 };

/** The line a run closes with. */
export const closingLine = (counts: Counts): string =>
  `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;

/** A skipped test is a failure of the run: every test is to run everywhere. */
export const succeeded = (counts: Counts): boolean =>
  counts.failed === 0 && counts.skipped === 0 && counts.passed > 0;

/** The part of vitest's JSON report that is read. */
export interface VitestReport {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  testResults: { name: string; status: string; assertionResults: { status: string }[] }[];
}

/** A file that failed without any failed test in it did not load, or a hook of it threw. */
const brokenFiles = (report: VitestReport): number =>
  report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;

/**
 * Sums a vitest run.
 * @param exitCode of vitest: errors outside of tests are only in it
 * @param report undefined when vitest did not write one
 */
export function countVitest(exitCode: number | null, report: VitestReport | undefined): Counts {
  if (report === undefined) return ONE_FAILED;
  const counts: Counts = {
    passed: report.numPassedTests,
    failed: report.numFailedTests + brokenFiles(report),
    skipped: report.numPendingTests + report.numTodoTests,
  };
  const total = counts.passed + counts.failed + counts.skipped;
  if (total === 0 || (exitCode !== 0 && counts.failed === 0)) return add(counts, ONE_FAILED);
  return counts;
}
