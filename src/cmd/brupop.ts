/** `brupop COMMAND`: the programs that run beside Kubernetes. Each is loaded only when it is asked for. */
import { systemClock } from '../runtime/clock.ts';
import type { ConfigSource } from '../runtime/config.ts';
import { createLogger } from '../runtime/logger.ts';
import { runProcess } from '../runtime/process.ts';
import { VERSION } from './version.ts';

interface Command {
  does: string;
  run(source: ConfigSource, signal: AbortSignal): Promise<void>;
  /** Time to end in, in milliseconds. @default that of `runProcess` */
  graceMs?: number;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  controller: {
    does: 'decides which nodes are updated when, drains them, and keeps their shadows',
    run: async (source, signal) => (await import('./controller.ts')).runController(source, signal),
    // Cleaning up after an uninstallation takes up to 45 s.
    graceMs: 55_000,
  },
  apiserver: {
    does: 'streams to each agent its own shadow, and records what agents report',
    run: async (source, signal) => (await import('./apiserver.ts')).runApiserver(source, signal),
  },
};

const usage = (): string =>
  `Usage: brupop COMMAND [options]\n\n${Object.entries(COMMANDS)
    .map(([name, { does }]) => `  ${name.padEnd(12)}${does}`)
    .join('\n')}\n\nbrupop COMMAND --help shows the options of a command; brupop --version the version.\n`;

async function main(): Promise<void> {
  const [, , name = '', ...argv] = process.argv;
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (name === '--version') {
    console.log(VERSION);
  } else if (command === undefined) {
    const asked = ['', '--help', '-h'].includes(name);
    (asked ? console.log : console.error)(asked ? usage() : `No command is called ${name}.\n\n${usage()}`);
    process.exitCode = asked ? 0 : 1;
  } else if (argv.includes('--help')) {
    await command.run({ argv, env: process.env }, new AbortController().signal);
  } else {
    const logger = createLogger({ clock: systemClock, fields: { component: name } });
    const { graceMs } = command;
    await runProcess({ logger, ...(graceMs === undefined ? {} : { graceMs }) }, (signal) =>
      command.run({ argv, env: process.env }, signal),
    );
  }
}

void main();
