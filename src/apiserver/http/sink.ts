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
    if (!this.#response.headersSent) {
      this.#response.writeHead(200, { 'content-type': STREAM_CONTENT_TYPE, 'cache-control': 'no-store' });
    }
    return this.#response.write(line);
  }

  /** A reader that has not read what there is would keep the connection open for ever: it is cut. */
  end(): void {
    if (this.#response.destroyed) return;
    if (this.#response.writableNeedDrain) this.#response.destroy();
    else this.#response.end();
  }
}
