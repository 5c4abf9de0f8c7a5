/**
 * What open streams and reports cost one replica (docs/architecture.md 11): memory with 10,000 streams, processor time
 * while nothing happens, and the latency of reports, each on a TLS connection of its own as agents make them. Replica
 * and agents are processes of their own; what is measured is the replica, and what the agents wait for.
 */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import type { Context } from '../context.ts';
import type { Figure } from '../figure.ts';
import { quantile, round } from '../figure.ts';
import { MIB, cpuNanos, rssBytes } from '../procfs.ts';
import type { ClientMessage, Work } from './clients.ts';
import type { ServerMessage } from './server.ts';

const STREAMS = Number(process.env.S ?? 10_000);
const REPORTS_PER_SECOND = 200;
const IDLE_SECONDS = 25;
const REPORT_SECONDS = 20;
const REPORTERS = 400;
/** As config/manager sets it for the API server. */
const ENVIRONMENT = {
  NODE_OPTIONS: '--max-semi-space-size=1',
  MALLOC_MMAP_THRESHOLD_: '16384',
  MALLOC_TOP_PAD_: '0',
  MALLOC_TRIM_THRESHOLD_: '0',
};
/** Descriptors that a process needs beside its streams. */
const SPARE_FILES = 1_000;
const STOP_MS = 6_000;

/** A replica of the API server in a process of its own. */
export interface Server {
  pid: number;
  port: number;
  ca: string;
  /** Lets its time run as ours does; until then it hurries. */
  calm: () => void;
  stop: () => Promise<void>;
}

/** Starts a replica over so many shadows. @throws Error when it ends before it listens. */
export async function startServer(shadows: number): Promise<Server> {
  const child = start('server.ts', [String(shadows)], ENVIRONMENT);
  const { port, ca } = await next<ServerMessage>(child);
  return {
    pid: child.pid ?? 0,
    port,
    ca,
    calm: () => void child.send('calm'),
    async stop() {
      child.send('stop');
      await Promise.race([once(child, 'exit'), pause(STOP_MS)]);
      child.kill();
    },
  };
}

/** As many streams as one process may hold open here: each is a descriptor on either side. */
function possibleStreams(progress: Context['progress']): number {
  const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
  const possible = Math.min(STREAMS, Number(limit ?? STREAMS) - SPARE_FILES);
  if (possible < STREAMS)
    progress(
      `only ${possible} streams: a process may hold ${limit} files open (ulimit -n ${STREAMS + SPARE_FILES})`,
    );
  return possible;
}

export async function benchStreams({ progress, signal }: Context): Promise<Figure[]> {
  const streams = possibleStreams(progress);
  const server = await startServer(streams);
  const clients = start('clients.ts', [], {});
  const end = (): void => void clients.kill();
  signal.addEventListener('abort', end, { once: true });
  try {
    const beforeBytes = rssBytes(server.pid);
    clients.send({
      port: server.port,
      ca: server.ca,
      streams,
      reportsPerSecond: REPORTS_PER_SECOND,
      idleSeconds: IDLE_SECONDS,
      reportSeconds: REPORT_SECONDS,
      reporters: Math.min(streams, REPORTERS),
    } satisfies Work);
    progress(`opening ${streams} streams`);
    const opened = await next<Extract<ClientMessage, { open: number }>>(clients);
    server.calm();
    progress(
      `${opened.open} open after ${Math.round(opened.seconds)} s; watching them for ${IDLE_SECONDS} s`,
    );
    const cpuFrom = cpuNanos(server.pid);
    const idle = await next<Extract<ClientMessage, { lines: number }>>(clients);
    const idleCpu = (cpuNanos(server.pid) - cpuFrom) / 1e6 / IDLE_SECONDS;
    const idleBytes = rssBytes(server.pid);
    const cpuReports = cpuNanos(server.pid);
    progress(`${REPORTS_PER_SECOND} reports a second for ${REPORT_SECONDS} s`);
    const reports = await next<Extract<ClientMessage, { latenciesMs: number[] }>>(clients);
    const putCpu = (cpuNanos(server.pid) - cpuReports) / 1e6 / REPORT_SECONDS;
    const mostBytes = Math.max(idleBytes, rssBytes(server.pid));
    return [
      { name: 'apiserver-streams', value: opened.open, unit: '' },
      { name: 'apiserver-streams-rss', value: round(mostBytes / MIB), unit: 'MiB', budget: 600 },
      {
        name: 'apiserver-stream-memory',
        value: round((idleBytes - beforeBytes) / streams / 1024),
        unit: 'KiB',
      },
      { name: 'apiserver-streams-cpu', value: round(idleCpu), unit: 'millicores' },
      { name: 'apiserver-streams-lost', value: idle.ended, unit: '' },
      { name: 'apiserver-put-p50', value: round(quantile(reports.latenciesMs, 0.5)), unit: 'ms' },
      {
        name: 'apiserver-put-p99',
        value: round(quantile(reports.latenciesMs, 0.99)),
        unit: 'ms',
        budget: 50,
      },
      { name: 'apiserver-put-cpu', value: round(putCpu), unit: 'millicores' },
      { name: 'apiserver-put-failed', value: reports.failed, unit: '' },
    ];
  } finally {
    signal.removeEventListener('abort', end);
    clients.kill();
    await server.stop();
  }
}

function start(file: string, args: string[], variables: Record<string, string>): ChildProcess {
  const env = { ...process.env, ...variables };
  return fork(fileURLToPath(new URL(file, import.meta.url)), args, { stdio: 'inherit', env });
}

/** The next message of a child. @throws Error when it ends instead. */
async function next<T>(child: ChildProcess): Promise<T> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`a process of the measurement ended with ${String(code)}`);
  });
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [T];
  ended.catch(() => undefined);
  return message;
}
