/** What a Service is to its clients: one address, and behind it whichever backends are ready. */
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Passes TCP connections on to ready backends in turn. */
export class LoadBalancer {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #backends: () => readonly number[];
  #next = 0;

  /** @param backends ports of the ready backends, asked for every connection */
  constructor(backends: () => readonly number[]) {
    this.#backends = backends;
    this.#server = createServer((client) => this.#pass(client));
  }

  /** @returns the port on loopback */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, '127.0.0.1', () => {
        const address = this.#server.address();
        if (address === null || typeof address === 'string') reject(new Error('No TCP address'));
        else resolve(address.port);
      });
    });
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #pass(client: Socket): void {
    const ports = this.#backends();
    const port = ports[this.#next++ % Math.max(1, ports.length)];
    if (port === undefined) {
      // Nobody is ready: refused, as a Service without endpoints refuses.
      client.resetAndDestroy();
      return;
    }
    const backend = connect(port, '127.0.0.1');
    for (const [socket, other] of [
      [client, backend],
      [backend, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.once('error', () => other.destroy());
      socket.once('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.pipe(backend).pipe(client);
  }
}
