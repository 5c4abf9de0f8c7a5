/** The command line. */
import { Argument, type Command } from 'commander';
import { access, constants } from 'node:fs/promises';
import { resolve } from 'node:path';
import { COMPONENTS, type Component } from '../../controlplane/start.ts';
import { ClusterClient } from '../daemon/client.ts';
import { MAX_MACHINES } from '../layout.ts';
import { machineSpecs } from '../spec.ts';
import { knownClusters, sweep } from '../sweep/sweep.ts';
import { up } from '../up.ts';
import { Failure } from './failure.ts';
import { kubectl, shell } from './inside.ts';
import { addMachine } from './machine.ts';
import { running, stateDir, which, wholeNumber, type CommandLine, type Which } from './options.ts';
import { statusTable } from './status.ts';

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };
const VARIANT = 'aws-k8s-1.36';

const invitation = (name: string): string => {
  const option = ` --name ${name}`;
  return [
    '',
    `  npm run cluster -- kubectl${option} get nodes`,
    `  npm run cluster -- status${option}`,
    `  npm run cluster -- machine 1 reboot${option}`,
    `  npm run cluster -- down${option}`,
  ].join('\n');
};

const collect = (value: string, previous: readonly string[]): string[] => [...previous, resolve(value)];
const versions = (text: string): string[] => text.split(',');

interface UpFlags extends Which {
  machines: number;
  ordinary: number;
  image: string[];
  version: string;
  releases: string[];
}

async function runUp(flags: UpFlags, { tell, print, signal }: CommandLine): Promise<void> {
  const startedAt = performance.now();
  const { machines, ordinary, version, releases } = flags;
  const arch = ARCHITECTURES[process.arch] ?? process.arch;
  await up({
    name: flags.name,
    dir: stateDir(flags),
    machines: machineSpecs({ machines, ordinary, version, releases, variant: VARIANT, arch }),
    images: flags.image,
    progress: tell,
    signal,
  });
  tell(`Ready in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  print(invitation(flags.name));
}

async function runDown(flags: Which & { all: boolean }, { tell }: CommandLine): Promise<void> {
  const names = flags.all ? await knownClusters(flags.dir) : [flags.name];
  if (names.length === 0) tell('There is no cluster.');
  for (const name of names) {
    const was = await sweep({ name, dir: stateDir({ ...flags, name }) });
    tell(was ? `The cluster ${name} is gone.` : `There was no cluster ${name}.`);
  }
}

function addLifecycle(program: Command, line: CommandLine): void {
  which(program.command('up').description('start a cluster, which goes on until "down"'))
    .option('--machines <n>', 'Bottlerocket machines: node-1, …', wholeNumber(0, MAX_MACHINES), 3)
    .option('--ordinary <n>', 'other Linux machines: infra-1, …', wholeNumber(0, MAX_MACHINES), 1)
    .option('--image <archive>', 'OCI archive that every machine has; may be repeated', collect, [])
    .option('--version <version>', 'what the Bottlerocket machines run at first', '1.40.0')
    .option('--releases <v,v>', 'what their repository offers', versions, ['1.40.0', '1.41.0', '1.42.0'])
    .action((flags: UpFlags) => runUp(flags, line));
  which(program.command('down').description('end a cluster, and remove what a crash left of it'))
    .option('--all', 'every cluster of this machine', false)
    .action((flags: Which & { all: boolean }) => runDown(flags, line));
  which(program.command('status').description('power, version and readiness of every machine'))
    .option('--json', 'for programs', false)
    .action(async (flags: Which & { json: boolean }) => {
      const status = await new ClusterClient((await running(flags)).dir).status();
      line.print(flags.json ? JSON.stringify(status) : statusTable(status));
    });
}

function addInside(program: Command, line: CommandLine): void {
  which(program.command('kubectl').description('kubectl as administrator of the cluster'))
    .argument('[arguments...]', 'for kubectl')
    .passThroughOptions()
    .allowUnknownOption()
    .action(async (args: string[], flags: Which) => line.exit(await kubectl(await running(flags), args)));
  which(program.command('shell').description('a shell beside the control plane, with KUBECONFIG set'))
    .argument('[command...]', 'instead of a shell')
    .passThroughOptions()
    .action(async (args: string[], flags: Which) => line.exit(await shell(await running(flags), args)));
  which(program.command('load').description('bring an OCI archive onto every machine'))
    .argument('<archive>')
    .action(async (archive: string, flags: Which) => {
      await access(archive, constants.R_OK).catch(() => {
        throw new Failure(`The image archive ${archive} cannot be read.`);
      });
      await new ClusterClient((await running(flags)).dir).load(resolve(archive));
      line.tell(`Loaded ${archive}`);
    });
}

function addComponent(program: Command): void {
  which(
    program.command('component').description('take a program of the control plane away, or bring it back'),
  )
    .addArgument(new Argument('<program>').choices(COMPONENTS))
    .addArgument(new Argument('<where>').choices(['away', 'back']))
    .action(async (component: Component, to: 'away' | 'back', flags: Which) => {
      await new ClusterClient((await running(flags)).dir).component(component, to);
    });
}

/** All commands. */
export function addCommands(program: Command, line: CommandLine): void {
  addLifecycle(program, line);
  addInside(program, line);
  addMachine(program, line);
  addComponent(program);
}
