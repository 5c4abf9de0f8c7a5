/** `npm run bench`: measures, prints a table with the budgets beside the figures, and judges nothing. */
import { writeFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { locatePrograms } from '../../hack/programs/controlplane.ts';
import { benchAgentIdle, benchAgentStart } from './agent/bench.ts';
import { benchCluster } from './cluster/bench.ts';
import type { Context } from './context.ts';
import type { Figure } from './figure.ts';
import { json, table } from './figure.ts';
import { benchAdmission } from './fleet/admission.ts';
import { benchIdle } from './fleet/idle.ts';
import { benchPlan } from './plan/bench.ts';
import { benchRollout } from './rollout/bench.ts';
import { benchStreams } from './streams/bench.ts';

/** Name for `--only` → measurement. */
const BENCHES: Readonly<Record<string, (context: Context) => Promise<Figure[]>>> = {
  plan: benchPlan,
  admit: benchAdmission,
  idle: benchIdle,
  'agent-start': benchAgentStart,
  'agent-idle': benchAgentIdle,
  rollout: benchRollout,
  streams: benchStreams,
  cluster: benchCluster,
};

function options(argv: readonly string[]): { only?: string[]; json?: string } {
  const command = new Command('npm run bench --')
    .description('Measures speed and size, and prints them beside their budgets. It judges nothing.')
    .addOption(new Option('--only <name...>', 'only these measurements').choices(Object.keys(BENCHES)))
    .option('--json <file>', 'also write [{name, value, unit, budget}]')
    .exitOverride();
  command.parse([...argv], { from: 'user' });
  return command.opts();
}

const progress = (line: string): void => console.error(`… ${line}`);

async function main(): Promise<void> {
  const { only = Object.keys(BENCHES), json: file } = options(process.argv.slice(2));
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new Error('interrupted')));
  let programs: ReturnType<typeof locatePrograms> | undefined;
  const context: Context = {
    progress,
    signal: stop.signal,
    programs: () => (programs ??= locatePrograms({ progress, signal: stop.signal })),
  };
  const figures: Figure[] = [];
  for (const name of only) figures.push(...((await BENCHES[name]?.(context)) ?? []));
  console.log(table(figures));
  if (file !== undefined) writeFileSync(file, json(figures));
}

try {
  await main();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}
