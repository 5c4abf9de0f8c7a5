/**
 * A Kubernetes control plane, on loopback unless told otherwise: etcd, kube-apiserver and, if wanted,
 * kube-controller-manager and kube-scheduler. Ready in about 6 s, gone without a trace after `stop()` or when this
 * process dies.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from '../process/ports.ts';
import { Supervisor, type Child } from '../process/supervisor.ts';
import {
  apiserverFlags,
  controllerManagerFlags,
  etcdFlags,
  schedulerFlags,
  type ApiAddress,
  type Layout,
} from './flags.ts';
import { requestToken, writeKubeconfig, type IssuedToken, type TokenOptions } from './kubeconfig.ts';
import type { Programs } from '../programs/controlplane.ts';
import { ask, type Endpoint } from './request.ts';

const READY_TIMEOUT_MS = 60_000;
const POLL_MS = 100;
/** A port that was free may be taken a moment later. */
const ATTEMPTS = 3;

export interface ControlPlaneOptions {
  programs: Programs;
  /** Data, keys and logs go here. @default a temporary directory that `stop()` removes */
  dir?: string;
  /** Also run kube-controller-manager and kube-scheduler. @default false */
  controllers?: boolean;
  /** More flags for kube-controller-manager, such as `--node-monitor-grace-period=1h`. */
  controllerManagerFlags?: readonly string[];
  /** More flags for kube-apiserver. */
  apiserverFlags?: readonly string[];
  /** For a cluster with a network of machines and pods. @default loopback alone, a free port */
  address?: ApiAddress;
  /** Range of the addresses of Services. @default 10.96.0.0/16 */
  serviceCidr?: string;
  /** Who else has a token, beside the administrator and the control plane itself. @default nobody */
  users?: readonly StaticUser[];
  /** Stops it. */
  signal?: AbortSignal;
}

/** Somebody with a token that never ends. */
export interface StaticUser {
  user: string;
  /** @default system:authenticated alone */
  group?: string;
  token: string;
}

/** What runs. */
export const COMPONENTS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler'] as const;
export type Component = (typeof COMPONENTS)[number];

export interface ControlPlane extends Endpoint {
  /** Path of a kubeconfig of the group system:masters. */
  kubeconfig: string;
  dir: string;
  /** Process ids of those programs that run now, for tests that hold one up with SIGSTOP. */
  readonly pids: Record<string, number>;
  /** Kills a program, which stays away until `revive`; nothing happens when it is away. */
  kill(component: Component): Promise<void>;
  /** Starts a program that is away as it was started before; nothing happens when it runs. */
  revive(component: Component): Promise<void>;
  /** A token of a ServiceAccount, by TokenRequest. */
  issueToken(options: TokenOptions): Promise<IssuedToken>;
  /** Writes a kubeconfig for that ServiceAccount to `dir`; resolves with its path. */
  issueKubeconfig(options: TokenOptions): Promise<string>;
  /** Ends everything and removes the directory, if it made it. May be called again. */
  stop(): Promise<void>;
}

export class ControlPlaneError extends Error {
  override readonly name = 'ControlPlaneError';
  readonly code = 'notReady';
  /** Where the logs are; they are kept. */
  readonly logDir: string;

  constructor(message: string, logDir: string) {
    super(message);
    this.logDir = logDir;
  }
}

/** User and group of each static token. */
const USERS = {
  admin: { user: 'admin', group: 'system:masters' },
  'kube-controller-manager': { user: 'system:kube-controller-manager', group: 'system:authenticated' },
  'kube-scheduler': { user: 'system:kube-scheduler', group: 'system:authenticated' },
} as const;
type User = keyof typeof USERS;

/** Keys and tokens; the certificate is made by kube-apiserver itself. */
function writeSecrets(dir: string, others: readonly StaticUser[]): Record<User, string> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  });
  writeFileSync(join(dir, 'service-accounts.key'), privateKey, { mode: 0o600 });
  writeFileSync(join(dir, 'service-accounts.pub'), publicKey);
  const tokens: Record<User, string> = {
    admin: randomBytes(24).toString('hex'),
    'kube-controller-manager': randomBytes(24).toString('hex'),
    'kube-scheduler': randomBytes(24).toString('hex'),
  };
  const own = Object.entries(USERS).map(([name, who]) => ({ ...who, token: tokens[name as User] }));
  const lines = [...own, ...others].map(
    ({ user, group = 'system:authenticated', token }) => `${token},${user},${user},"${group}"`,
  );
  writeFileSync(join(dir, 'tokens.csv'), `${lines.join('\n')}\n`, { mode: 0o600 });
  return tokens;
}

/** Programs of one control plane while it comes up. */
interface Starting {
  supervisor: Supervisor;
  layout: Layout;
  options: ControlPlaneOptions;
  children: Child[];
  /** How to start each program again. */
  again: Map<string, () => Promise<Child>>;
}

async function launch(starting: Starting, name: keyof Programs, args: readonly string[]): Promise<Child> {
  const command = starting.options.programs[name];
  const label = command.split('/').at(-1) ?? name;
  const child = await starting.supervisor.start({
    name: label,
    command,
    args,
    logFile: join(starting.layout.dir, 'logs', `${label}.log`),
  });
  starting.children.push(child);
  starting.again.set(label, () => launch(starting, name, args));
  return child;
}

/** Waits until `ready`. @throws ControlPlaneError when a program ends first, or nothing happens for a minute */
async function waitUntil(starting: Starting, what: string, ready: () => Promise<boolean>): Promise<void> {
  const { layout, options, children } = starting;
  const logDir = join(layout.dir, 'logs');
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (!(await ready().catch(() => false))) {
    options.signal?.throwIfAborted();
    const dead = children.find((child) => child.ending !== undefined);
    if (dead !== undefined) {
      const message = `${dead.name} ended before ${what}; its log is ${dead.logFile}\n${dead.tail()}`;
      throw new ControlPlaneError(message, logDir);
    }
    if (performance.now() > deadline) {
      throw new ControlPlaneError(
        `No ${what} after ${READY_TIMEOUT_MS} ms; the logs are in ${logDir}`,
        logDir,
      );
    }
    await delay(POLL_MS);
  }
}

const answersOk = async (endpoint: Endpoint, path: string): Promise<boolean> =>
  (await ask(endpoint, { path, timeoutMs: 2000 })).status === 200;

/** Starts etcd and kube-apiserver at the same time: the latter waits for the former by itself. */
async function startStorageAndApi(starting: Starting, endpoint: Endpoint): Promise<void> {
  const { layout, options } = starting;
  await launch(starting, 'etcd', etcdFlags(layout));
  await launch(starting, 'kubeApiserver', [...apiserverFlags(layout), ...(options.apiserverFlags ?? [])]);
  await waitUntil(starting, 'kube-apiserver was ready', () => answersOk(endpoint, '/readyz'));
}

async function startControllers(starting: Starting, endpoint: Endpoint): Promise<void> {
  const { layout, options } = starting;
  const flags = [...controllerManagerFlags(layout), ...(options.controllerManagerFlags ?? [])];
  await launch(starting, 'kubeControllerManager', flags);
  await launch(starting, 'kubeScheduler', schedulerFlags(layout));
  // Made by the controller-manager; from now on pods can be created.
  await waitUntil(starting, 'the controllers worked', () =>
    answersOk(endpoint, '/api/v1/namespaces/default/serviceaccounts/default'),
  );
}

async function startOnce(dir: string, options: ControlPlaneOptions): Promise<[Starting, Endpoint]> {
  const [etcdClientPort = 0, etcdPeerPort = 0, port = 0] = await freePorts(3);
  const { address, serviceCidr = '10.96.0.0/16', controllers = false } = options;
  const api = address ?? { bind: '127.0.0.1', advertise: '127.0.0.1', port };
  const network = address !== undefined;
  const layout: Layout = { dir, etcdClientPort, etcdPeerPort, api, serviceCidr, network, controllers };
  mkdirSync(join(dir, 'logs'), { recursive: true });
  const tokens = writeSecrets(dir, options.users ?? []);
  const server = `https://${api.advertise}:${api.port}`;
  const caFile = join(dir, 'pki', 'apiserver.crt');
  const endpoint: Endpoint = { server, caFile, token: tokens.admin };
  const supervisor = new Supervisor(options.dir === undefined ? [dir] : []);
  const starting: Starting = { supervisor, layout, options, children: [], again: new Map() };
  try {
    await startStorageAndApi(starting, endpoint);
    for (const user of ['kube-controller-manager', 'kube-scheduler'] as const) {
      writeKubeconfig(join(dir, `${user}.kubeconfig`), { ...endpoint, token: tokens[user] }, user);
    }
    if (controllers) await startControllers(starting, endpoint);
    return [starting, endpoint];
  } catch (error) {
    await supervisor.stopAll({ signal: 'SIGKILL', keepScratch: true });
    throw error;
  }
}

const portWasTaken = (error: unknown): boolean =>
  error instanceof ControlPlaneError && /address already in use/.test(error.message);

async function startWithRetries(dir: string, options: ControlPlaneOptions): Promise<[Starting, Endpoint]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(dir, options);
    } catch (error) {
      if (attempt === ATTEMPTS || !portWasTaken(error)) throw error;
      for (const part of ['etcd', 'pki', 'logs']) rmSync(join(dir, part), { recursive: true, force: true });
    }
  }
}

/**
 * Starts a control plane; resolves when it is ready.
 * @throws ControlPlaneError naming the log of what did not come up
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  options.signal?.throwIfAborted();
  const dir = options.dir ?? mkdtempSync(join(tmpdir(), 'brupop-controlplane-'));
  const [{ supervisor, again }, endpoint] = await startWithRetries(dir, options);
  const kubeconfig = writeKubeconfig(join(dir, 'admin.kubeconfig'), endpoint);

  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => {
    // All at once and hard: without etcd kube-apiserver would take minutes to end by itself.
    stopped ??= supervisor.stopAll({ signal: 'SIGKILL' });
    return stopped;
  };
  options.signal?.addEventListener('abort', () => void stop(), { once: true });

  return {
    ...endpoint,
    kubeconfig,
    dir,
    get pids() {
      return Object.fromEntries(supervisor.running.map((child) => [child.name, child.pid]));
    },
    kill: async (component) => {
      const child = supervisor.running.find(({ name }) => name === component);
      await child?.stop({ signal: 'SIGKILL' });
    },
    revive: async (component) => {
      if (!supervisor.running.some(({ name }) => name === component)) await again.get(component)?.();
    },
    issueToken: (token) => requestToken(endpoint, token),
    issueKubeconfig: async (token) => {
      const issued = await requestToken(endpoint, token);
      const path = join(dir, `${token.namespace}-${token.serviceAccount}.kubeconfig`);
      return writeKubeconfig(path, { ...endpoint, token: issued.token }, token.serviceAccount);
    },
    stop,
  };
}
