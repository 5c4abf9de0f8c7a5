/** From power to a started kubelet. */
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SimulatedHost } from '../../../src/sim/host/host.ts';
import { HostServer } from '../../../src/sim/host/server.ts';
import { writeBoot } from './bootfiles.ts';
import { bootPlan, KEPT } from './bootplan.ts';
import type { MachineConfig, MachineSurroundings } from './config.ts';
import { CONTAINERD_SOCKET } from './containerd.ts';
import { ContainerImages } from './images.ts';
import { PAUSE_IMAGE, writePauseArchive } from './pauseimage.ts';
import { ProcessTree, type PoweredTree } from './processtree.ts';

/** Group `api` of Bottlerocket. */
const API_GROUP = 274;

export interface BootOptions {
  config: MachineConfig;
  surroundings: MachineSurroundings;
  bootId: string;
  /** Undefined: an ordinary Linux machine. */
  host: SimulatedHost | undefined;
  /** Aborts when the power is cut. */
  signal: AbortSignal;
  /** Told as soon as there is something that a power cut has to end. */
  onTree: (tree: PoweredTree) => void;
}

/** A path of the machine as it is reached from outside. */
export const onMachine = (pid: number, path: string): string => `/proc/${pid}/root${path}`;

export const imagesOf = (config: MachineConfig, pid: number): ContainerImages =>
  new ContainerImages(config.programs.ctr, onMachine(pid, CONTAINERD_SOCKET));

const read = (path: string): Promise<string> => readFile(path, 'utf8');

/** The directories that outlive a power cut, and the archive of the sandbox image. @returns that archive */
async function prepareDirectories({ dir, programs }: MachineConfig): Promise<string> {
  for (const name of Object.keys(KEPT)) await mkdir(join(dir, name), { recursive: true });
  const archive = join(dir, 'pause.tar');
  const exists = await stat(archive).then(
    () => true,
    () => false,
  );
  if (!exists) await writePauseArchive(programs.pause, archive);
  return archive;
}

/** What a boot needs to know. @returns the directory it is laid out in */
async function layOut({ config, surroundings, bootId, host }: BootOptions): Promise<string> {
  const clientCa = config.kubeletClientCaFile;
  const plan = bootPlan(config, {
    bootId,
    cgroupRoot: await surroundings.prepareCgroup(),
    sandboxImage: PAUSE_IMAGE,
    ca: await read(config.caFile),
    ...(host === undefined ? {} : { image: host.image }),
    ...(clientCa === undefined ? {} : { kubeletClientCa: await read(clientCa) }),
  });
  const dir = join(config.dir, 'boot');
  await writeBoot(plan, dir);
  return dir;
}

/**
 * Resolves when the kubelet has been started, which is after containerd has the images.
 * @throws Error saying what did not come up @throws the signal's reason
 */
export async function boot(options: BootOptions): Promise<void> {
  const { config, surroundings, host, signal, onTree } = options;
  signal.throwIfAborted();
  const pauseImage = await prepareDirectories(config);
  const dir = await layOut(options);
  signal.throwIfAborted();
  const tree = await ProcessTree.start(dir, join(config.dir, 'log', 'init.log'));
  onTree(tree);
  signal.throwIfAborted();
  await Promise.all([tree.mounted(), surroundings.attach(tree.pid)]);
  if (host !== undefined) {
    const socketPath = onMachine(tree.pid, '/run/api.sock');
    await new HostServer({ host, socketPath, socketGroup: API_GROUP }).start(signal);
  }
  tree.run('containerd');
  tree.run('kube-proxy');
  const images = imagesOf(config, tree.pid);
  await images.ready(signal);
  await images.ensure([pauseImage, ...config.images], signal);
  tree.run('kubelet');
}
