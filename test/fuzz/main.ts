/** `npm run fuzz`: more inputs, other seeds, one target. */
import { parseArgs } from 'node:util';
import { TARGETS } from './targets.ts';

const HELP = `npm run fuzz [-- --runs N] [--seed S] [--only TEXT]

  --runs N     inputs in all, shared out among the targets (default 1000000)
  --seed S     the same seed gives the same inputs (default: another each time)
  --only TEXT  targets whose name holds this text

${TARGETS.map(({ name }) => `  ${name}`).join('\n')}
`;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(Math.floor(performance.timeOrigin) % 1_000_000_007) },
    only: { type: 'string', default: '' },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

const wordsOf = (error: unknown): string =>
  error instanceof Error
    ? [error.message, ...(error.cause === undefined ? [] : [wordsOf(error.cause)])].join('\n')
    : JSON.stringify(error);

async function main(): Promise<number> {
  const seed = Number(values.seed);
  const runs = Number(values.runs);
  const chosen = TARGETS.filter(({ name }) => name.includes(values.only));
  if (values.help || chosen.length === 0 || !Number.isInteger(seed) || !(runs > 0)) {
    console.log(HELP);
    return values.help ? 0 : 2;
  }
  const total = chosen.reduce((sum, { share }) => sum + share, 0);
  let failed = 0;
  for (const { name, share, run } of chosen) {
    const inputs = Math.max(1, Math.round((share * runs) / total));
    const startedAt = performance.now();
    const said = await run(inputs, seed).then(
      () => 'ok',
      (error: unknown) => {
        failed++;
        return `FAIL --seed ${seed} --only '${name}'\n${wordsOf(error)}`;
      },
    );
    console.log(
      `${name}: ${inputs} inputs, ${((performance.now() - startedAt) / 1000).toFixed(1)} s, ${said}`,
    );
  }
  console.log(`${failed} of ${chosen.length} targets failed, seed ${seed}`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = await main();
