/** Talks to the daemon of a cluster. */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { ControlRequest } from '../../../src/sim/host/control.ts';
import type { Component } from '../../controlplane/start.ts';
import type { Service } from '../machine/config.ts';
import { paths } from '../layout.ts';
import type { ClusterStatus, DaemonLine, DaemonRequest, MachineEvent } from './protocol.ts';
import { join } from './tunnel.ts';

export class DaemonError extends Error {
  override readonly name = 'DaemonError';
  /** `unreachable`: nobody listens. `gone`: it ended before it had answered. `refused`: it said no. */
  readonly code: 'unreachable' | 'gone' | 'refused';

  constructor(code: DaemonError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** One connection to the daemon. @throws DaemonError `unreachable` */
async function open(socketPath: string): Promise<Socket> {
  const socket = connect({ path: socketPath, allowHalfOpen: true });
  try {
    await once(socket, 'connect');
  } catch (error) {
    throw new DaemonError('unreachable', `Nobody listens on ${socketPath}.`, { cause: error });
  }
  return socket;
}

/** Resolves when there is something to read, or nothing more will come. */
async function untilMore(socket: Socket): Promise<void> {
  const heard = new AbortController();
  const { signal } = heard;
  const events = ['readable', 'end', 'close'].map((event) => once(socket, event, { signal }));
  await Promise.race(events).finally(() => heard.abort());
}

/** One line at a time. What came after the last one that was taken is left to be read: it may be of another kind. */
async function* linesOf(socket: Socket): AsyncGenerator<DaemonLine> {
  let text = Buffer.alloc(0);
  try {
    for (;;) {
      const at = text.indexOf('\n');
      const chunk = at < 0 ? (socket.read() as Buffer | null) : null;
      if (at >= 0) {
        const line = text.subarray(0, at).toString();
        text = text.subarray(at + 1);
        yield JSON.parse(line) as DaemonLine;
      } else if (chunk !== null) text = Buffer.concat([text, chunk]);
      else if (socket.readableEnded || socket.destroyed) return;
      else await untilMore(socket);
    }
  } finally {
    if (text.length > 0 && !socket.destroyed && !socket.readableEnded) socket.unshift(text);
  }
}

/** Who hears what comes before the reply. */
interface Listener {
  progress?: ((line: string) => void) | undefined;
  event?: (event: MachineEvent) => void;
}

/** Sends a request; resolves with the value of the reply. @throws DaemonError */
async function converse(
  socket: Socket,
  request: DaemonRequest,
  { progress, event }: Listener = {},
): Promise<unknown> {
  socket.on('error', () => undefined);
  socket.write(`${JSON.stringify(request)}\n`);
  for await (const line of linesOf(socket)) {
    if ('progress' in line) progress?.(line.progress);
    else if ('event' in line) event?.(line.event);
    else if (line.reply === 'ok') return line.value;
    else throw new DaemonError('refused', line.message);
  }
  throw new DaemonError('gone', 'The daemon ended before it had answered.');
}

/** The daemon of a cluster that runs, by its state directory. Holds no connection. */
export class ClusterClient {
  readonly dir: string;
  readonly #forwards: Server[] = [];

  constructor(dir: string) {
    this.dir = dir;
  }

  /** Path of the administrator's kubeconfig; it leads to an address inside the cluster's network. */
  get kubeconfig(): string {
    return paths(this.dir).kubeconfig;
  }

  /** Resolves when the cluster is ready. @throws DaemonError with the cause when it does not get ready */
  async ready(progress?: (line: string) => void): Promise<void> {
    await this.#ask({ do: 'ready' }, progress);
  }

  async status(): Promise<ClusterStatus> {
    return (await this.#ask({ do: 'status' })) as ClusterStatus;
  }

  /**
   * Tells `listener` how every machine is, and then of each change of its power. Resolves when it is told of changes.
   * @returns how to stop that
   */
  async watch(listener: (event: MachineEvent) => void): Promise<() => void> {
    const socket = await open(paths(this.dir).socket);
    // Ends when the daemon does, or when it is stopped.
    converse(socket, { do: 'watch' }, { event: listener }).catch(() => undefined);
    return () => socket.destroy();
  }

  /** Brings an OCI archive onto every machine. @param archive absolute path */
  async load(archive: string, progress?: (line: string) => void): Promise<void> {
    await this.#ask({ do: 'load', archive }, progress);
  }

  /** `off` is a power cut; `reboot` an orderly one. Resolves when it is done. */
  async power(machine: string, to: 'off' | 'on' | 'reboot'): Promise<void> {
    await this.#ask({ do: 'power', machine, to });
  }

  /** Asks the simulated host of a machine. @throws DaemonError in the host's words */
  host(machine: string, request: ControlRequest): Promise<unknown> {
    return this.#ask({ do: 'host', machine, request });
  }

  /** The command line that runs `command` on the machine, from within the outer namespaces. */
  async enter(machine: string, command: readonly string[]): Promise<string[]> {
    return (await this.#ask({ do: 'enter', machine, command })) as string[];
  }

  /** Path of the log of a program of a machine. */
  async log(machine: string, service: Service): Promise<string> {
    return (await this.#ask({ do: 'log', machine, service })) as string;
  }

  /** Kills a program of the control plane, or starts it again. */
  async component(component: Component, to: 'away' | 'back'): Promise<void> {
    await this.#ask({ do: 'component', component, to });
  }

  /** A connection to an address in the cluster's network. */
  async connect(host: string, port: number): Promise<Socket> {
    const socket = await open(paths(this.dir).socket);
    try {
      await converse(socket, { do: 'connect', host, port });
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return socket;
  }

  /**
   * A port of loopback that leads to an address in the cluster's network until `close`. The certificate of
   * kube-apiserver is for `localhost`, too.
   */
  async forward(host: string, port: number): Promise<number> {
    const server = createServer({ allowHalfOpen: true }, (near) => void this.#join(near, host, port));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#forwards.push(server);
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('No TCP address');
    return address.port;
  }

  /** Ends the forwarding; connections that are open stay. */
  close(): void {
    for (const server of this.#forwards.splice(0)) server.close();
  }

  async #join(near: Socket, host: string, port: number): Promise<void> {
    near.on('error', () => near.destroy());
    try {
      join(near, await this.connect(host, port));
    } catch {
      near.destroy();
    }
  }

  async #ask(request: DaemonRequest, progress?: (line: string) => void): Promise<unknown> {
    const socket = await open(paths(this.dir).socket);
    try {
      return await converse(socket, request, { progress });
    } finally {
      socket.destroy();
    }
  }
}
