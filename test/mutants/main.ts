/** `npm run mutants`: does anything notice when a line that matters is changed? */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SourceCopy } from './copy.ts';
import { hunt } from './hunt.ts';
import { innocentIn } from './innocent.ts';
import { HELP, readOptions } from './options.ts';
import type { MutantOptions } from './options.ts';
import { huntedLine, summary } from './table.ts';
import type { Hunted } from './table.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const COPIES = join(ROOT, 'build', 'mutants');

const write = (line: string): void => void process.stdout.write(`${line}\n`);

async function huntAll(options: MutantOptions): Promise<Hunted[]> {
  const hunted: Hunted[] = [];
  const queue = [...options.mutants];
  const untouched = new SourceCopy(ROOT, join(COPIES, 'untouched'));
  const innocent = innocentIn(untouched);
  const worker = async (index: number): Promise<void> => {
    const copy = new SourceCopy(ROOT, join(COPIES, `job-${index}`));
    for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
      const begun = performance.now();
      copy.become(mutant);
      const kill = await hunt(copy, mutant, { ...options, innocent });
      const each: Hunted = { mutant, kill, seconds: (performance.now() - begun) / 1000 };
      hunted.push(each);
      write(huntedLine(each));
    }
    copy.remove();
  };
  await Promise.all(Array.from({ length: options.jobs }, (_, index) => worker(index)));
  untouched.remove();
  return hunted;
}

async function main(): Promise<number> {
  let options: MutantOptions | undefined;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    write((error as Error).message);
    return 2;
  }
  if (options === undefined) {
    write(HELP);
    return 0;
  }
  if (options.list) {
    for (const { name, file, why } of options.mutants) write(`${name.padEnd(42)} ${file.padEnd(44)} ${why}`);
    return 0;
  }
  const hunted = await huntAll(options);
  for (const line of summary(hunted)) write(line);
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(hunted, null, 2)}\n`);
  return hunted.every(({ kill }) => kill !== undefined) ? 0 : 1;
}

process.exitCode = await main();
