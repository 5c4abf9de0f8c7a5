/** The socket of the daemon. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Cluster } from './cluster.ts';
import type { DaemonLine, DaemonRequest } from './protocol.ts';
import { reasonOf } from './reason.ts';
import { join } from './tunnel.ts';

const CONNECT_TIMEOUT_MS = 5000;

export interface Served {
  cluster: Cluster;
  /** Resolves when the cluster is ready; receives what has been said so far, too. */
  ready(progress: (line: string) => void): Promise<void>;
  /** Ends everything, this process included. */
  end(): void;
}

type Progress = (line: string) => void;
type Handlers = {
  readonly [Do in Exclude<DaemonRequest['do'], 'connect'>]: (
    served: Served,
    request: Extract<DaemonRequest, { do: Do }>,
    progress: Progress,
  ) => unknown;
};

const POWER = {
  off: 'powerOff',
  on: 'powerOn',
  reboot: 'reboot',
} as const;

const HANDLERS: Handlers = {
  ready: (served, _, progress) => served.ready(progress),
  status: ({ cluster }) => cluster.status(),
  // After the reply has left.
  down: (served) => void setImmediate(() => served.end()),
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
    const value = await handle(served, request, (text: string) => write({ progress: text }));
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
