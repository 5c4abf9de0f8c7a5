/** `machine N …`: power, logs, a shell, the simulated host. */
import { Command, Option } from 'commander';
import { ClusterClient } from '../daemon/client.ts';
import { SERVICES, type Service } from '../machine/config.ts';
import { HOST_HELP, hostRequest } from './hostrequest.ts';
import { machineShell, showFile } from './inside.ts';
import { running, which, type CommandLine, type Which } from './options.ts';

const POWER = [
  ['power-off', 'off', 'cut its power: nothing in it is told'],
  ['power-on', 'on', 'and wait until its kubelet has been started'],
  ['reboot', 'reboot', 'an orderly one'],
] as const;

/** One machine, and the command line it is spoken to from. */
interface Target {
  /** Of the machine. */
  name: string;
  known: Which;
  line: CommandLine;
}

const clientOf = async (flags: Which): Promise<ClusterClient> =>
  new ClusterClient((await running(flags)).dir);

function addPower(program: Command, { name, known }: Target): void {
  for (const [word, to, does] of POWER) {
    which(program.command(word).description(does), known).action(async (flags: Which) =>
      (await clientOf(flags)).power(name, to),
    );
  }
}

function addLooks(program: Command, { name, known, line }: Target): void {
  which(program.command('logs').description('what a program of it has written'), known)
    .addOption(new Option('--of <program>').choices(SERVICES).default('kubelet'))
    .option('-f, --follow', 'go on', false)
    .action(async (flags: Which & { of: Service; follow: boolean }) => {
      line.exit(await showFile(await (await clientOf(flags)).log(name, flags.of), flags.follow));
    });
  which(program.command('shell').description('a shell on it, or a command'), known)
    .argument('[command...]', 'instead of a shell')
    .passThroughOptions()
    .action(async (command: string[], flags: Which) =>
      line.exit(await machineShell(await running(flags), name, command)),
    );
  which(program.command('host').description('ask its simulated host'), known)
    .argument('<words...>')
    .addHelpText('after', `\n${HOST_HELP}`)
    .action(async (words: string[], flags: Which) => {
      const answer = await (await clientOf(flags)).host(name, hostRequest(words));
      if (answer !== undefined) line.print(JSON.stringify(answer, undefined, 2));
    });
}

function actionsOf(parent: Command, target: Target): Command {
  const program = new Command(`machine ${target.name}`).copyInheritedSettings(parent);
  program.enablePositionalOptions();
  addPower(program, target);
  addLooks(program, target);
  return program;
}

/** `1` is the first Bottlerocket machine, `node-1`. */
const fullName = (text: string): string => (/^\d+$/.test(text) ? `node-${text}` : text);

/** Adds the command. */
export function addMachine(program: Command, line: CommandLine): void {
  const command = program.command('machine').description('one machine: power, logs, a shell, its host');
  which(command)
    .argument('<machine>', 'its name, or N for node-N')
    .argument('<action...>', 'power-off, power-on, reboot, logs, shell or host, each with --help')
    .passThroughOptions()
    .action(async (machine: string, action: string[], known: Which) => {
      const actions = actionsOf(command, { name: fullName(machine), known, line });
      await actions.parseAsync(action, { from: 'user' });
    });
}
