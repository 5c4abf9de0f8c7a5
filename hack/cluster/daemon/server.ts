/** The socket of the daemon. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Cluster } from './cluster.ts';
import type { DaemonLine, DaemonRequest, MachineEvent } from './protocol.ts';
import { reasonOf } from './reason.ts';
import { join } from './tunnel.ts';

const CONNECT_TIMEOUT_MS = 5000;

export interface Served {
  cluster: Cluster;
  /** Resolves when the cluster is ready; receives what has been said so far, too. */
  ready(progress: (line: string) => void): Promise<void>;
}

/** The way back to whoever asked. */
interface Asker {
  progress: (line: string) => void;
  event: (event: MachineEvent) => void;
  /** Aborts when nobody listens any more. */
  gone: AbortSignal;
}

type Handlers = {
  readonly [Do in Exclude<DaemonRequest['do'], 'connect'>]: (
    served: Served,
    request: Extract<DaemonRequest, { do: Do }>,
    asker: Asker,
  ) => unknown;
};

const POWER = {
  off: 'powerOff',
  on: 'powerOn',
  reboot: 'reboot',
} as const;

const HANDLERS: Handlers = {
  ready: (served, _, { progress }) => served.ready(progress),
  status: ({ cluster }) => cluster.status(),
  watch: async ({ cluster }, _, { event, gone }) => {
    const stop = cluster.watch(event);
    await once(gone, 'abort');
    stop();
  },
  load: ({ cluster }, { archive }) => cluster.load(archive),
  power: ({ cluster }, { machine, to }) => cluster.machine(machine)[POWER[to]](),
  host: ({ cluster }, { machine, request }) => cluster.machine(machine).control(request),
  enter: ({ cluster }, { machine, command }) => cluster.machine(machine).enter(command),
  log: ({ cluster }, { machine, service }) => cluster.machine(machine).logFile(service),
  component: ({ cluster }, { component, to }) => cluster.component(component, to),
};

/** A connection to an address in the cluster. */
async function dial(host: string, port: number): Promise<Socket> {
  const far = connect({ host, port, allowHalfOpen: true });
  await once(far, 'connect', { signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS) }).catch((error: unknown) => {
    far.destroy();
    throw new Error(`No connection to ${host}:${port}: ${(error as Error).message}`, { cause: error });
  });
  return far;
}

function askerAt(socket: Socket, write: (line: DaemonLine) => void): Asker {
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  // Whoever has nothing more to say does not listen either.
  socket.once('end', () => socket.destroy());
  socket.resume();
  return {
    progress: (progress) => write({ progress }),
    event: (event) => write({ event }),
    gone: gone.signal,
  };
}

async function answer(served: Served, socket: Socket, line: string): Promise<void> {
  const write = (each: DaemonLine): void => {
    if (socket.writable) socket.write(`${JSON.stringify(each)}\n`);
  };
  try {
    const request = JSON.parse(line) as DaemonRequest;
    if (request.do === 'connect') {
      const far = await dial(request.host, request.port);
      write({ reply: 'ok' });
      join(socket, far);
      return;
    }
    if (!Object.hasOwn(HANDLERS, request.do)) throw new Error(`Nothing is called ${request.do}.`);
    const handle = HANDLERS[request.do] as (...args: unknown[]) => unknown;
    const value = await handle(served, request, askerAt(socket, write));
    write({ reply: 'ok', ...(value === undefined ? {} : { value }) });
  } catch (error) {
    write({ reply: 'error', message: reasonOf(error) });
  }
  socket.end();
}

/** Serves one request a connection. @returns when the socket is there */
export async function serve(served: Served, socketPath: string): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    // Not more than the one line: what follows belongs to the connection that `connect` makes.
    const lines = createInterface({ input: socket });
    lines.once('line', (line) => {
      lines.close();
      void answer(served, socket, line);
    });
  });
  server.listen(socketPath);
  await once(server, 'listening');
  return server;
}
