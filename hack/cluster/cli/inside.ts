/** Commands that run something in the cluster, with the terminal and the exit code of the caller. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, dirname } from 'node:path';
import { ClusterClient } from '../daemon/client.ts';
import { paths } from '../layout.ts';
import { enterAll, enterNetwork, type RunningCluster } from '../outer/init.ts';
import { systemPath } from '../run.ts';
import { readSpec } from '../spec.ts';
import { Failure } from './failure.ts';

const leaveIt = (): void => undefined;

/** Runs it; resolves with its exit code, 128 + signal as a shell would say it. */
async function attended(command: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [program = '', ...args] = command;
  // A terminal sends Ctrl-C to both: it is for the child to decide.
  process.on('SIGINT', leaveIt);
  try {
    return await new Promise<number>((resolve, reject) => {
      const child = spawn(program, args, { stdio: 'inherit', env });
      child.once('error', reject);
      child.once('exit', (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
    });
  } finally {
    process.off('SIGINT', leaveIt);
  }
}

async function kubectlOf(cluster: RunningCluster): Promise<string> {
  const spec = await readSpec(cluster.dir);
  if (spec === undefined) throw new Failure(`${paths(cluster.dir).spec} cannot be read.`);
  return spec.programs.controlPlane.kubectl;
}

async function environment(cluster: RunningCluster): Promise<NodeJS.ProcessEnv> {
  const kubectl = await kubectlOf(cluster);
  return {
    ...process.env,
    PATH: [dirname(kubectl), systemPath()].join(delimiter),
    KUBECONFIG: paths(cluster.dir).kubeconfig,
  };
}

/** kubectl with these arguments. @returns its exit code */
export async function kubectl(cluster: RunningCluster, args: readonly string[]): Promise<number> {
  const command = ['nsenter', ...enterNetwork(cluster), '--', await kubectlOf(cluster), ...args];
  return attended(command, await environment(cluster));
}

/** A shell beside the control plane, or a command there. @returns its exit code */
export async function shell(cluster: RunningCluster, command: readonly string[]): Promise<number> {
  const wanted = command.length > 0 ? command : [process.env['SHELL'] ?? '/bin/sh'];
  // The working directory is lost on the way into another mount namespace, which has the same directories.
  const inside = ['env', '-C', process.cwd(), ...wanted];
  return attended(['nsenter', ...enterAll(cluster), '--', ...inside], await environment(cluster));
}

/** A shell on a machine, or a command there. @returns its exit code */
export async function machineShell(
  cluster: RunningCluster,
  machine: string,
  command: readonly string[],
): Promise<number> {
  const wanted = command.length > 0 ? command : ['/bin/sh'];
  const inside = await new ClusterClient(cluster.dir).enter(machine, wanted);
  return attended(['nsenter', ...enterAll(cluster), '--', ...inside], {
    ...process.env,
    PATH: systemPath(),
  });
}

/** Shows a file to its end, and what is added to it if wanted. @returns an exit code */
export const showFile = (path: string, follow: boolean): Promise<number> =>
  attended(['tail', '-n', '+1', ...(follow ? ['-F'] : []), path], process.env);
