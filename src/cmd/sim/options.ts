/** The command line of `npm run sim`. */
import { availableParallelism } from 'node:os';
import { Command, InvalidArgumentError } from 'commander';

export interface SimOptions {
  seeds: number;
  /** First seed of the run. */
  from: number;
  jobs: number;
  /** One seed alone. */
  seed?: string;
  /** Of one story: tell it. */
  trace: boolean;
  svg?: string;
  replay?: string;
  /** Soak: seeds until the time is over. */
  minutes?: number;
  /** Writes a report in Markdown. */
  report?: string;
  /** Where failing stories go. */
  out: string;
  shrink: boolean;
}

function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(`a whole number from ${least} to ${most} is needed.`);
    }
    return value;
  };
}

/** Reads the arguments. @throws CommanderError after it has written help or what is wrong */
export function readOptions(argv: readonly string[], write: (text: string) => void): SimOptions {
  const command = new Command('npm run sim --')
    .description(
      'Plays stories in which things go wrong, each drawn from a seed: the real controllers, API servers and agents in a ' +
        'cluster in memory, judged after every change. Ends with 0 when nothing failed, 1 when something did, 2 for bad arguments.',
    )
    .option('--seeds <n>', 'how many stories', integer(1, 100_000_000), 200)
    .option('--from <seed>', 'the first of them', integer(0, Number.MAX_SAFE_INTEGER), 1)
    .option('--jobs <n>', 'threads', integer(1, 256), availableParallelism())
    .option('--minutes <n>', 'soak: play seeds until the time is over', integer(1, 100_000))
    .option('--seed <seed>', 'play this one alone')
    .option('--replay <file>', 'play the story of a file')
    .option('--trace', 'of one story: tell what happened', false)
    .option('--svg <file>', 'of one story: draw its timeline')
    .option('--report <file>', 'write a report in Markdown')
    .option('--out <folder>', 'where stories that fail are kept', 'build/sim')
    .option('--no-shrink', 'keep stories that fail as they are')
    .configureOutput({ writeOut: write, writeErr: write })
    .exitOverride();
  command.parse([...argv], { from: 'user' });
  return command.opts();
}
