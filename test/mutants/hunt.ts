/** Looks for what notices a mutant: the unit tests beside it, the model, the simulation. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { runNode } from './child.ts';
import type { SourceCopy } from './copy.ts';
import type { Mutant } from './mutant.ts';
import type { PlayedLine } from './seeds.ts';

/** Ways to notice a mutant, in the order in which they are tried. */
export const WAYS = ['unit', 'model', 'sim'] as const;
export type Way = (typeof WAYS)[number];

/** What noticed it. */
export interface Kill {
  by: Way;
  /** The test, or the rule and the story. */
  what: string;
  /** Stories played until then. */
  stories: number;
}

/** Tests that fail without any change show nothing. */
export class HuntError extends Error {
  override readonly name = 'HuntError';
  readonly code = 'hunt';
}

interface VitestReport {
  numTotalTests: number;
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: { status: string; fullName: string }[];
  }[];
}

const TEST_PATIENCE_MS = 300_000;
const STORY_PATIENCE_MS = 180_000;
const VITEST = join('node_modules', 'vitest', 'vitest.mjs');

/** @returns the first test that failed; undefined when all passed */
export async function runTests(copy: SourceCopy, args: readonly string[]): Promise<string | undefined> {
  const output = join(copy.path, 'build', 'vitest.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${output}`];
  for (let tries = 1; ; tries += 1) {
    rmSync(output, { force: true });
    const { code, hangs, tail } = await runNode({
      cwd: copy.path,
      args: [VITEST, 'run', '--bail=1', ...reporters, ...args],
      patienceMs: TEST_PATIENCE_MS,
    });
    if (hangs) return 'they never end';
    if (code === 0) return undefined;
    const report = readReport(output);
    if (report !== undefined) return firstFailed(copy, report);
    // Twice, so that it is not for want of memory at that moment.
    if (tries === 2) return `they do not run: ${tail.findLast((line) => line.trim() !== '') ?? ''}`;
  }
}

function firstFailed(copy: SourceCopy, report: VitestReport): string {
  for (const { name, assertionResults, status, message } of report.testResults) {
    const failed = assertionResults.find((each) => each.status === 'failed');
    if (failed !== undefined) return failed.fullName;
    if (status === 'failed') return `${name.slice(copy.path.length + 1)}: ${message.split('\n', 1)[0] ?? ''}`;
  }
  return 'an error outside of any test';
}

function readReport(path: string): VitestReport | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as VitestReport;
  } catch {
    return undefined;
  }
}

/** The folders whose unit tests are asked: that of the file, up to two levels below the root. */
export const foldersOf = ({ file }: Mutant): string[] => {
  const layer = file.split('/', 2).join('/');
  return file.startsWith('src/protocol/agent') ? [layer, 'src/agent'] : [layer];
};

/** What plays stories in a copy, without the mutant. */
export interface Innocent {
  /** Whether a story passes where nothing is changed. */
  passes(story: string): Promise<boolean>;
  /** @returns the first of these tests that fails where nothing is changed */
  failing(args: readonly string[]): Promise<string | undefined>;
}

export interface HuntOptions {
  seeds: number;
  ways: readonly Way[];
  innocent: Innocent;
}

/** The first story that fails with the mutant and passes without it. */
async function simulate(copy: SourceCopy, { seeds, innocent }: HuntOptions): Promise<Kill | undefined> {
  let stories = 0;
  let from = 1;
  while (from <= seeds) {
    let failed: PlayedLine | undefined;
    const args = [
      'test/mutants/seeds.ts',
      String(from),
      String(seeds - from + 1),
      from === 1 ? 'stories' : '',
    ];
    const { hangs, code, tail } = await runNode({
      cwd: copy.path,
      args,
      patienceMs: STORY_PATIENCE_MS,
      onLine: (line) => {
        if (!line.startsWith('{')) return false;
        const played = JSON.parse(line) as PlayedLine;
        stories += 1;
        if (played.rule === undefined) return false;
        failed = played;
        return true;
      },
    });
    if (failed === undefined) {
      if (hangs) return { by: 'sim', what: 'a story never ends', stories };
      if (code !== 0) return { by: 'sim', what: `it does not run: ${tail.at(-1) ?? ''}`, stories };
      return undefined;
    }
    const { story, rule = '' } = failed;
    if (await innocent.passes(story)) return { by: 'sim', what: `${rule}, story ${story}`, stories };
    from = Number(story) + 1;
    // A file that fails anyway is nothing to go by; the seeds come after all files.
    if (Number.isNaN(from)) from = 1;
    if (from === 1) break;
  }
  return undefined;
}

/** @throws HuntError when a test fails without the mutant */
async function test(
  copy: SourceCopy,
  args: readonly string[],
  innocent: Innocent,
): Promise<string | undefined> {
  const what = await runTests(copy, args);
  if (what === undefined) return undefined;
  const failing = await innocent.failing(args);
  if (failing !== undefined) throw new HuntError(`${args.join(' ')}: fails without any change: ${failing}`);
  return what;
}

/** Hunts a mutant that the copy has become. @returns undefined when it survives @throws HuntError */
export async function hunt(
  copy: SourceCopy,
  mutant: Mutant,
  options: HuntOptions,
): Promise<Kill | undefined> {
  const { ways, innocent } = options;
  if (ways.includes('unit')) {
    const what = await test(copy, ['--project', 'unit', ...foldersOf(mutant)], innocent);
    if (what !== undefined) return { by: 'unit', what, stories: 0 };
  }
  if (ways.includes('model') && mutant.file.startsWith('src/protocol/')) {
    const what = await test(copy, ['--project', 'model'], innocent);
    if (what !== undefined) return { by: 'model', what, stories: 0 };
  }
  return ways.includes('sim') ? simulate(copy, options) : undefined;
}
