import { describe, expect, test } from 'vitest';
import { closingLine, countVitest, NOTHING, succeeded, type VitestReport } from './counts.ts';

const report = (fields: Partial<VitestReport> = {}): VitestReport => ({
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [],
  ...fields,
});

describe('counting a vitest run', () => {
  test.each([
    { what: 'all pass', exitCode: 0, given: report({ numPassedTests: 3 }), counts: [3, 0, 0] },
    {
      what: 'one fails',
      exitCode: 1,
      given: report({ numPassedTests: 2, numFailedTests: 1 }),
      counts: [2, 1, 0],
    },
    {
      what: 'skip and todo',
      exitCode: 0,
      given: report({ numPendingTests: 1, numTodoTests: 1 }),
      counts: [0, 0, 2],
    },
    { what: 'no tests at all', exitCode: 0, given: report(), counts: [0, 1, 0] },
    {
      what: 'an error outside of tests',
      exitCode: 1,
      given: report({ numPassedTests: 3 }),
      counts: [3, 1, 0],
    },
    { what: 'no report', exitCode: 1, given: undefined, counts: [0, 1, 0] },
  ])('$what', ({ exitCode, given, counts: [passed, failed, skipped] }) => {
    expect(countVitest(exitCode, given)).toEqual({ passed, failed, skipped });
  });

  test('the closing line', () => {
    expect(closingLine({ passed: 12, failed: 1, skipped: 0 })).toBe('12 passed, 1 failed, 0 skipped');
  });

  test('a file that does not load is a failure, one with a failed test is not counted twice', () => {
    const given = report({
      numPassedTests: 1,
      numFailedTests: 1,
      testResults: [
        { name: 'a', status: 'failed', assertionResults: [] },
        { name: 'b', status: 'failed', assertionResults: [{ status: 'failed' }] },
        { name: 'c', status: 'passed', assertionResults: [{ status: 'passed' }] },
      ],
    });
    expect(countVitest(1, given)).toEqual({ passed: 1, failed: 2, skipped: 0 });
  });
});

test.each([
  [{ passed: 1, failed: 0, skipped: 0 }, true],
  [{ passed: 1, failed: 1, skipped: 0 }, false],
  [{ passed: 1, failed: 0, skipped: 1 }, false],
  [NOTHING, false],
])('a run of %o succeeds: %s', (counts, expected) => {
  expect(succeeded(counts)).toBe(expected);
});
