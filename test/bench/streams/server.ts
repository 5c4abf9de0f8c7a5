/** The API server as it is shipped: bundled, as a process of its own, with what config/manager tells Node and malloc. */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { OPERATOR, ROOT, bundle } from '../../../hack/bundle.ts';
import { writeKubeconfig } from '../../../hack/controlplane/kubeconfig.ts';
import { freePorts } from '../../../hack/process/ports.ts';
import type { Child } from '../../../hack/process/supervisor.ts';
import { Supervisor } from '../../../hack/process/supervisor.ts';
import { testAuthority } from '../../../src/apiserver/http/testclient.ts';
import { declaredVariables, podTemplate } from '../manifest.ts';
import type { KubernetesMessage, KubernetesWork } from './kubernetes.ts';

const READY_LIMIT_MS = 60_000;
const POLL_MS = 20;
/** For profiles. */
const NODE_ARGS = process.env.BENCH_NODE_ARGS?.split(' ') ?? [];

/** A replica of the API server. */
export interface Server {
  pid: number;
  port: number;
  /** PEM of the authority its certificate is of. */
  ca: string;
  /** What Prometheus would see. */
  metrics: () => Promise<string>;
  stop: () => Promise<void>;
}

/** Starts a replica over so many nodes. @throws Error when it does not become ready. */
export async function startServer(nodes: number): Promise<Server> {
  await bundle(OPERATOR);
  const dir = mkdtempSync(join(tmpdir(), 'brupop-bench-streams-'));
  const supervisor = new Supervisor([dir]);
  const { ca, pair } = testAuthority();
  const kubernetes = startHelper('kubernetes.ts');
  const stop = async (): Promise<void> => {
    await supervisor.stopAll();
    kubernetes.kill();
  };
  try {
    kubernetes.send({ pair: pair(), nodes } satisfies KubernetesWork);
    const { port: kubernetesPort } = await nextMessage<KubernetesMessage>(kubernetes);
    const caFile = join(dir, 'ca.crt');
    const { cert, key } = pair();
    for (const [name, text] of Object.entries({ 'ca.crt': ca, 'tls.crt': cert, 'tls.key': key }))
      writeFileSync(join(dir, name), text);
    const endpoint = { server: `https://localhost:${kubernetesPort}`, caFile, token: 'admin' };
    const kubeconfig = writeKubeconfig(join(dir, 'kubeconfig'), endpoint);
    const [port = 0, healthPort = 0] = await freePorts(2);
    const child = await supervisor.start({
      name: 'apiserver',
      command: process.execPath,
      args: [...NODE_ARGS, join(ROOT, OPERATOR.file), 'apiserver'],
      logFile: join(dir, 'apiserver.log'),
      env: {
        ...declaredVariables(podTemplate('apiserver.yaml')),
        LISTEN_HOST: '127.0.0.1',
        HTTPS_PORT: String(port),
        HEALTH_PORT: String(healthPort),
        TLS_DIR: dir,
        BRUPOP_KUBECONFIG: kubeconfig,
      },
    });
    const health = `http://127.0.0.1:${healthPort}`;
    await whenReady(child, `${health}/readyz`);
    return { pid: child.pid, port, ca, metrics: async () => (await fetch(`${health}/metrics`)).text(), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function whenReady(child: Child, url: string): Promise<void> {
  const endMs = performance.now() + READY_LIMIT_MS;
  while (
    !(await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (child.ending !== undefined || performance.now() > endMs)
      throw new Error(`The API server does not become ready:\n${child.tail()}`);
    await pause(POLL_MS);
  }
}

/** A process of the measurement itself, in a file beside this one. */
export const startHelper = (file: string): ChildProcess =>
  fork(fileURLToPath(new URL(file, import.meta.url)), { stdio: 'inherit' });

/** The next message of a process. @throws Error when it ends instead. */
export async function nextMessage<T>(child: ChildProcess): Promise<T> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`a process of the measurement ended with ${String(code)}`);
  });
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [T];
  ended.catch(() => undefined);
  return message;
}
