/** Options that several commands share. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import { join, resolve } from 'node:path';
import { DEFAULT_NAME, objectionToName, stateRoot } from '../layout.ts';
import { findRunning, type RunningCluster } from '../outer/init.ts';
import { Failure } from './failure.ts';

/** What a command is run with. */
export interface CommandLine {
  print: (line: string) => void;
  /** Progress and messages. */
  tell: (line: string) => void;
  signal: AbortSignal;
  /** Exit code of a command that runs another. */
  exit: (code: number) => void;
}

/** Which cluster is meant. */
export interface Which {
  name: string;
  /** Directory of the state directories. */
  dir: string;
}

function name(value: string): string {
  const objection = objectionToName(value);
  if (objection !== undefined) throw new InvalidArgumentError(objection);
  return value;
}

/** Adds `--name` and `--dir`. @param known what they are when they are not given again */
export function which(command: Command, known?: Which): Command {
  const nameOption = new Option('--name <name>', 'of the cluster').argParser(name);
  if (known === undefined) nameOption.default(DEFAULT_NAME).env('BRUPOP_CLUSTER');
  else nameOption.default(known.name);
  const dirOption = new Option('--dir <path>', 'state directories are in there')
    .default(known?.dir ?? stateRoot())
    .argParser((path) => resolve(path));
  return command.addOption(nameOption).addOption(dirOption);
}

/** Whole numbers from `least` to `most`. */
export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(`A number from ${least} to ${most}.`);
    return value;
  };

export const stateDir = ({ name, dir }: Which): string => join(dir, name);

/** The cluster that is meant. @throws Failure when it does not run */
export async function running({ name }: Which): Promise<RunningCluster> {
  const found = await findRunning(name);
  if (found !== undefined) return found;
  throw new Failure(`No cluster ${name} runs; start one: npm run cluster -- up --name ${name}`);
}
