/** A stream's lines on a socket. */
import type { ServerResponse } from 'node:http';
import { STREAM_CONTENT_TYPE } from '../../api/wire.ts';
import type { Sink } from '../streams/stream.ts';

/** Sends the head of the answer with the first line. */
export class ResponseSink implements Sink {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  write(line: string): boolean {
    if (this.#response.destroyed) return true;
    if (!this.#response.headersSent) return this.#begin(line);
    return this.#response.write(line);
  }

  /** A reader that has not read what there is would keep the connection open for ever: it is cut. */
  end(): void {
    if (this.#response.destroyed) return;
    if (this.#response.writableNeedDrain) this.#response.destroy();
    else this.#response.end();
  }

  /**
   * Written in one step with a line, the head would be kept in twenty pieces as long as the stream. So it goes by
   * itself, though in the same packet.
   */
  #begin(line: string): boolean {
    const { socket } = this.#response;
    socket?.cork();
    this.#response.writeHead(200, { 'content-type': STREAM_CONTENT_TYPE, 'cache-control': 'no-store' });
    this.#response.flushHeaders();
    const hasRoom = this.#response.write(line);
    socket?.uncork();
    return hasRoom;
  }
}
