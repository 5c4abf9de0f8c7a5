/**
 * What open streams and reports cost one replica (docs/architecture.md 11): memory with 10,000 streams, processor time
 * while nothing happens, and how long reports take. Replica, Kubernetes, agents that listen and agents that report are
 * processes of their own, so that nobody waits for another's work.
 *
 * For a closer look: `BENCH_STREAMS=1000` opens fewer, and `BENCH_NODE_ARGS="--cpu-prof --cpu-prof-dir=/tmp/profile"`
 * is given to the Node that runs the API server.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Context } from '../context.ts';
import type { Figure } from '../figure.ts';
import { quantile, round } from '../figure.ts';
import { MIB, cpuNanos, rssBytes } from '../procfs.ts';
import type { ListenMessage, ListenWork } from './listeners.ts';
import type { ReportMessage, ReportWork } from './reporters.ts';
import type { Server } from './server.ts';
import { nextMessage, startHelper, startServer } from './server.ts';

const STREAMS = Number(process.env.BENCH_STREAMS ?? 10_000);
/** A little below the rate of token reviews. */
const OPENED_PER_SECOND = 45;
const IDLE_SECONDS = 25;
const REPORTS = { reporters: 400, perSecond: 200, seconds: 30 };
const WATCH_MS = 250;
/** Descriptors that a process needs beside its streams. */
const SPARE_FILES = 1_000;

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

export async function benchStreams(context: Context): Promise<Figure[]> {
  const streams = possibleStreams(context.progress);
  const server = await startServer(streams);
  const helpers = [startHelper('listeners.ts'), startHelper('reporters.ts')] as const;
  const end = (): void => {
    for (const helper of helpers) helper.kill();
  };
  context.signal.addEventListener('abort', end, { once: true });
  const [listeners, reporters] = helpers;
  try {
    const emptyBytes = rssBytes(server.pid);
    context.progress(`opening ${streams} streams, ${OPENED_PER_SECOND} a second`);
    const { port, ca } = server;
    listeners.send({ port, ca, streams, perSecond: OPENED_PER_SECOND } satisfies ListenWork);
    const { seconds } = await nextMessage<Extract<ListenMessage, { seconds: number }>>(listeners);
    context.progress(`open after ${Math.round(seconds)} s; watching them for ${IDLE_SECONDS} s`);
    const idle = await during(server, pause(IDLE_SECONDS * 1000));
    context.progress(`${REPORTS.perSecond} reports a second for ${REPORTS.seconds} s`);
    reporters.send({
      port,
      ca,
      ...REPORTS,
      reporters: Math.min(streams, REPORTS.reporters),
    } satisfies ReportWork);
    await nextMessage(reporters);
    const busy = await during(server, nextMessage<ReportMessage>(reporters));
    listeners.send('count');
    const { ended } = await nextMessage<Extract<ListenMessage, { lines: number }>>(listeners);
    const { latenciesMs, latenessMs, failed } = busy.result;
    const mostBytes = Math.max(idle.mostBytes, busy.mostBytes);
    return [
      { name: 'apiserver-streams', value: streams, unit: '' },
      { name: 'apiserver-streams-rss', value: round(mostBytes / MIB), unit: 'MiB', budget: 600 },
      { name: 'apiserver-streams-rss.idle', value: round(idle.lastBytes / MIB), unit: 'MiB' },
      { name: 'apiserver-streams-rss.empty', value: round(emptyBytes / MIB), unit: 'MiB' },
      {
        name: 'apiserver-stream-memory',
        value: round((idle.lastBytes - emptyBytes) / streams / 1024),
        unit: 'KiB',
      },
      { name: 'apiserver-streams-cpu', value: round(idle.millicores), unit: 'millicores' },
      { name: 'apiserver-streams-lost', value: ended, unit: '' },
      { name: 'apiserver-put-p50', value: round(quantile(latenciesMs, 0.5)), unit: 'ms' },
      { name: 'apiserver-put-p99', value: round(quantile(latenciesMs, 0.99)), unit: 'ms', budget: 50 },
      { name: 'apiserver-put-max', value: round(quantile(latenciesMs, 1)), unit: 'ms' },
      { name: 'apiserver-put-late.p99', value: round(quantile(latenessMs, 0.99)), unit: 'ms' },
      { name: 'apiserver-put-cpu', value: round(busy.millicores / REPORTS.perSecond), unit: 'ms each' },
      { name: 'apiserver-put-failed', value: failed, unit: '' },
    ];
  } finally {
    context.signal.removeEventListener('abort', end);
    end();
    await server.stop();
  }
}

interface Watched<T> {
  result: T;
  mostBytes: number;
  lastBytes: number;
  millicores: number;
}

/** What the server takes until something is over. */
async function during<T>({ pid }: Server, event: Promise<T>): Promise<Watched<T>> {
  const over = new AbortController();
  const startMs = performance.now();
  const startNanos = cpuNanos(pid);
  let mostBytes = 0;
  const watching = (async () => {
    while (!over.signal.aborted) {
      mostBytes = Math.max(mostBytes, rssBytes(pid));
      await pause(WATCH_MS, undefined, { signal: over.signal }).catch(() => undefined);
    }
  })();
  try {
    const result = await event;
    const millicores = (cpuNanos(pid) - startNanos) / 1e3 / (performance.now() - startMs);
    const lastBytes = rssBytes(pid);
    return { result, mostBytes: Math.max(mostBytes, lastBytes), lastBytes, millicores };
  } finally {
    over.abort();
    await watching;
  }
}
