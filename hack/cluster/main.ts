/** `npm run cluster`: a real Kubernetes cluster on one machine. */
import { Command, CommanderError } from 'commander';
import { ProgramsError } from '../programs/errors.ts';
import { addCommands } from './cli/commands.ts';
import { Failure } from './cli/failure.ts';
import { DaemonError } from './daemon/client.ts';
import { UpError } from './up.ts';

const USAGE = 2;

/** Errors whose message says all there is to say. */
const isExpected = (error: unknown): boolean =>
  [UpError, DaemonError, ProgramsError].some((each) => error instanceof each);

/** @returns the exit code */
function report(error: unknown): number {
  // It has printed its help or message by itself.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
  if (error instanceof Failure) {
    console.error(error.message);
    return error.code;
  }
  console.error(isExpected(error) ? (error as Error).message : error);
  return 1;
}

async function main(args: readonly string[]): Promise<number> {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => stop.abort(new Failure('Interrupted', 130)));
  }
  let code = 0;
  const program = new Command('cluster')
    .description(
      'A Kubernetes cluster on this machine, whose machines look like Bottlerocket and really reboot',
    )
    .enablePositionalOptions()
    .exitOverride();
  addCommands(program, {
    print: (line) => console.log(line),
    tell: (line) => console.error(line),
    signal: stop.signal,
    exit: (value) => (code = value),
  });
  await program.parseAsync([...args], { from: 'user' });
  return code;
}

process.exitCode = await main(process.argv.slice(2)).catch(report);
