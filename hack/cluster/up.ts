/** Starts a cluster that goes on by itself; leaves nothing behind when that fails. */
import type { ChildProcess } from 'node:child_process';
import { access, constants, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { locatePrograms } from '../programs/controlplane.ts';
import { locateMachinePrograms } from '../programs/machine.ts';
import { ClusterCgroups } from './cgroups/cgroups.ts';
import { ClusterClient, DaemonError } from './daemon/client.ts';
import { MAX_MACHINES, objectionToName, paths } from './layout.ts';
import { findRunning, startOuter } from './outer/init.ts';
import { CNI_DIR, objectionToMachine, objectionToPresence } from './preflight/check.ts';
import { findProgram, gatherFacts } from './preflight/facts.ts';
import type { ClusterSpec, MachineSpec } from './spec.ts';
import { isLeftover, sweep } from './sweep/sweep.ts';

/** How long the daemon may take until it listens. */
const LISTEN_TIMEOUT_MS = 15_000;
const POLL_MS = 50;
/** The kernel allows this many bytes for the path of a socket. */
const MAX_SOCKET_PATH = 107;

/** Why no cluster was started; `message` is one sentence with cause and remedy. */
export class UpError extends Error {
  override readonly name = 'UpError';
  /** `refused`: nothing was begun. `failed`: it was begun and is gone again; the logs are kept. */
  readonly code: 'refused' | 'failed';

  constructor(code: UpError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface UpOptions {
  name: string;
  /** State directory of this cluster. */
  dir: string;
  machines: readonly MachineSpec[];
  /** OCI archives that every machine has; absolute paths. */
  images: readonly string[];
  /** One line at a time. */
  progress: (line: string) => void;
  signal?: AbortSignal;
}

function objectionToOptions({ name, dir, machines }: UpOptions): string | undefined {
  if (machines.length === 0 || machines.length > MAX_MACHINES)
    return `A cluster has 1 to ${MAX_MACHINES} machines, not ${machines.length}.`;
  if (Buffer.byteLength(paths(dir).socket) > MAX_SOCKET_PATH)
    return `The path ${dir} is too long for a socket in it: name a shorter one with --dir.`;
  return objectionToName(name);
}

async function objectionToImages(images: readonly string[]): Promise<string | undefined> {
  for (const image of images) {
    const readable = await access(image, constants.R_OK).then(
      () => true,
      () => false,
    );
    if (!readable) return `The image archive ${image} cannot be read: make it with npm run image.`;
  }
  return undefined;
}

async function objectionToPresent(options: UpOptions): Promise<string | undefined> {
  const { name, dir } = options;
  const running = await findRunning(name);
  return objectionToPresence({ name, pid: running?.pid, leftover: await isLeftover(name, dir) });
}

/** @throws UpError `refused` */
async function preflight(options: UpOptions): Promise<void> {
  const objection =
    objectionToOptions(options) ??
    objectionToMachine(await gatherFacts()) ??
    (await objectionToImages(options.images)) ??
    (await objectionToPresent(options));
  if (objection !== undefined) throw new UpError('refused', objection);
}

async function programsOf({ progress, signal }: UpOptions): Promise<ClusterSpec['programs']> {
  const options = { progress, ...(signal === undefined ? {} : { signal }) };
  const controlPlane = await locatePrograms(options);
  const { coredns, ...machine } = await locateMachinePrograms(options);
  const runc = (await findProgram('runc')) ?? 'runc';
  return { controlPlane, coredns, machine: { ...machine, runc, cniDir: CNI_DIR } };
}

/** Makes the state directory; of two at the same time, one succeeds. @throws UpError `refused` */
async function writeSpec(spec: ClusterSpec): Promise<void> {
  const at = paths(spec.dir);
  await mkdir(at.dir, { recursive: true, mode: 0o700 });
  await writeFile(at.spec, JSON.stringify(spec, undefined, 2), { flag: 'wx', mode: 0o600 }).catch(
    (error: unknown) => {
      throw new UpError('refused', `The cluster ${spec.name} is just being started by somebody else.`, {
        cause: error,
      });
    },
  );
  // Of an earlier run that failed.
  for (const path of [at.logs, at.controlPlane, at.machines])
    await rm(path, { recursive: true, force: true });
  await mkdir(at.logs);
}

/** Waits until the daemon listens, then until it says that the cluster is ready. */
async function untilReady(options: UpOptions, outer: ChildProcess): Promise<ClusterClient> {
  const { name, dir, progress, signal } = options;
  const client = new ClusterClient(dir);
  const deadline = performance.now() + LISTEN_TIMEOUT_MS;
  for (;;) {
    signal?.throwIfAborted();
    try {
      await Promise.race([client.ready(progress), untilAborted(signal)]);
      return client;
    } catch (error) {
      if (!(error instanceof DaemonError) || error.code !== 'unreachable') throw error;
      if (outer.pid === undefined || outer.exitCode !== null || outer.signalCode !== null)
        throw new DaemonError('gone', 'The daemon ended at once.', { cause: error });
      if (performance.now() > deadline)
        throw new Error(`The daemon of ${name} does not listen.`, { cause: error });
    }
    await delay(POLL_MS);
  }
}

const untilAborted = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });

/** What a start that failed is reported as: the cause in one line. */
async function explain(cause: unknown, { name, dir, signal }: UpOptions): Promise<UpError> {
  const log = paths(dir).daemonLog;
  if (signal?.aborted === true) return new UpError('failed', `The start of ${name} was interrupted.`);
  const said = await readFile(log, 'utf8').catch(() => '');
  const last = said.trim().split('\n').at(-1) ?? '';
  const { message } = cause as Error;
  const why = cause instanceof DaemonError && cause.code === 'gone' ? `${message} ${last}` : message;
  return new UpError('failed', `The cluster ${name} did not come up: ${why}\nLogs: ${paths(dir).logs}`, {
    cause,
  });
}

/**
 * Resolves when every machine is Ready.
 * @throws UpError @throws ProgramsError
 */
export async function up(options: UpOptions): Promise<ClusterClient> {
  await preflight(options);
  const programs = await programsOf(options);
  const { name, dir, machines, images } = options;
  await writeSpec({ name, dir, programs, machines, images });
  let outer: ChildProcess | undefined;
  try {
    const cgroups = await (await ClusterCgroups.open(name)).prepareHarness();
    outer = startOuter({ name, dir, cgroups });
    return await untilReady(options, outer);
  } catch (error) {
    const explained = await explain(error, options);
    outer?.kill('SIGKILL');
    await sweep({ name, dir, keepLogs: options.signal?.aborted !== true });
    throw explained;
  }
}
