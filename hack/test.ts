/** `npm test`: every check and every test, closing with `N passed, N failed, N skipped`. */
import { parseArgs } from 'node:util';
import { locatePrograms, type Programs } from './programs/controlplane.ts';
import type { LocateOptions } from './programs/locate.ts';
import { locateMachinePrograms } from './programs/machine.ts';
import { closingLine, succeeded } from './testrun/counts.ts';
import { Runner } from './testrun/runner.ts';
import { STAGES, type Stage } from './testrun/stages.ts';

const listOf = (stages: readonly Stage[]): string =>
  stages.map(({ name, does }) => `  ${name.padEnd(10)} ${does}`).join('\n');

const HELP = `npm test [-- --only STAGE[,STAGE…]]

Runs the stages in order, and closes with "N passed, N failed, N skipped". Exit code 0 only when nothing failed
and nothing was skipped. The programs of the test control plane come from KUBEBUILDER_ASSETS, else from a cache,
else they are built while the other stages run.

${listOf(STAGES.filter(({ apart = false }) => !apart))}

These run only when they are named:

${listOf(STAGES.filter(({ apart = false }) => apart))}
`;

/** The stages of `--only`, in their usual order. @throws Error naming the stages there are */
function select(only: readonly string[]): readonly Stage[] {
  const names = only.flatMap((each) => each.split(','));
  const unknown = names.filter((name) => !STAGES.some((stage) => stage.name === name));
  if (unknown.length > 0) {
    const known = STAGES.map((stage) => stage.name).join(', ');
    throw new Error(`No stage is called ${unknown.join(', ')}; there are ${known}`);
  }
  return STAGES.filter(({ name, apart = false }) => (names.length === 0 ? !apart : names.includes(name)));
}

/** Finds or builds what some of the stages need. */
async function programsFor(stages: readonly Stage[], options: LocateOptions): Promise<Programs> {
  if (!stages.some((stage) => stage.needsPrograms === true)) throw new Error('Not asked for');
  const programs = await locatePrograms(options);
  if (stages.some((stage) => stage.needsMachines === true)) await locateMachinePrograms(options);
  return programs;
}

const print = (line: string): void => console.log(line);

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const stages = select(values.only);
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupted.abort());
  const programs = programsFor(stages, {
    progress: (line) => print(`   … ${line}`),
    signal: interrupted.signal,
  });
  // Reported by the stages that wait for it.
  programs.catch(() => undefined);
  const counts = await new Runner({ stages, programs, print, signal: interrupted.signal }).run();
  print(closingLine(counts));
  return succeeded(counts) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 2;
}
