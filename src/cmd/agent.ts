/** The agent's own entry: bundled into one CommonJS file of built-ins only, so that it stays small. */
import { AGENT_OPTIONS, runAgent } from '../agent/main.ts';
import { systemClock } from '../runtime/clock.ts';
import { helpText, readConfig } from '../runtime/config.ts';
import { createLineLogger } from '../runtime/jsonlog.ts';
import { runProcess } from '../runtime/process.ts';
import { VERSION } from './version.ts';

const [, , ...argv] = process.argv;
const write = (line: string): void => void process.stdout.write(line);
const bootLogger = createLineLogger({ clock: systemClock, write });

if (argv.includes('--help')) {
  write(`Drives one Bottlerocket host through its updates.\n\n${helpText(AGENT_OPTIONS)}\n`);
} else {
  void runProcess({ logger: bootLogger }, (signal) => {
    const config = readConfig(AGENT_OPTIONS, { argv, env: process.env });
    const logger = createLineLogger({ clock: systemClock, write, level: config.logLevel });
    const parts = { clock: systemClock, random: Math.random, logger, version: VERSION };
    return runAgent(config, parts, signal);
  });
}
