/** The demo's command line. */
import { Command, InvalidArgumentError } from 'commander';

export interface DemoOptions {
  nodes: number;
  policy: string[];
  seed: string;
  /** Virtual seconds a second; undefined = as fast as a person can follow, or as the machine can in a pipe. */
  speed: number | undefined;
  json: boolean;
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

/** Reads the arguments. Prints help and ends by commander's CommanderError. */
export function readOptions(
  argv: readonly string[],
  { samples, write }: { samples: string; write: (text: string) => void },
): DemoOptions {
  const command = new Command('npm run demo --')
    .description(
      'Rolls an update out over a Bottlerocket cluster in memory: the real controller, API server and agents, ' +
        'simulated hosts and virtual time. Ends with 0 only when every node is updated and nothing happened that must not.',
    )
    .option('--nodes <n>', 'machines in three zones', integer(1, 500), 12)
    .option('--policy <file...>', 'UpdatePolicies to apply, files or globs (default: config/samples)')
    .option('--seed <seed>', 'decides everything random; the same seed gives the same run', '1')
    .option('--speed <x>', 'virtual seconds a second', integer(1, 1_000_000))
    .option('--json', 'one JSON object a line instead of text', false)
    .configureOutput({ writeOut: write, writeErr: write })
    .exitOverride();
  command.parse([...argv], { from: 'user' });
  const {
    speed,
    policy = [samples],
    ...rest
  } = command.opts<Omit<DemoOptions, 'speed' | 'policy'> & { speed?: number; policy?: string[] }>();
  return { ...rest, policy, speed };
}
