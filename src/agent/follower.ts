/** Follows the stream of the API server for ever: reconnects with jitter, and does not trust silence. */
import { HEARTBEAT_INTERVAL_MS } from '../api/wire.ts';
import type { StreamLine } from '../api/wire.ts';
import { Backoff } from '../runtime/backoff.ts';
import type { Clock, Random } from '../runtime/clock.ts';
import type { Logger } from '../runtime/log.ts';
import { linkAbort, sleepUnlessAborted, withTimeout } from '../runtime/timers.ts';
import { ChannelError } from './ports.ts';
import type { Channel } from './ports.ts';

/** A stream without a line for so long is dead. */
export const SILENCE_LIMIT_MS = 3 * HEARTBEAT_INTERVAL_MS;
const RECONNECT = { baseMs: 500, maxMs: 30_000 };

export interface FollowerOptions {
  channel: Channel;
  clock: Clock;
  random: Random;
  logger: Logger;
  onLine: (line: StreamLine) => void;
}

/** See the head of this file. */
export class StreamFollower {
  readonly #options: FollowerOptions;
  #isOpen = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** True from the first line of a connection until it is lost. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Runs until the signal aborts; no error of a connection ends it. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, logger } = this.#options;
    const backoff = new Backoff(random, RECONNECT);
    while (!signal.aborted) {
      const lost = await this.#connection(signal, backoff);
      if (signal.aborted) return;
      const pauseMs = backoff.failed(lost.retryAfterMs);
      logger.warn('Stream lost', { code: lost.code, reason: lost.message, pauseMs: Math.round(pauseMs) });
      await sleepUnlessAborted(clock, pauseMs, signal);
    }
  }

  /** One connection, to its end. @returns why it ended. */
  async #connection(signal: AbortSignal, backoff: Backoff): Promise<ChannelError> {
    const connection = linkAbort(signal);
    try {
      await this.#read(connection.signal, backoff);
      return new ChannelError('closed', 'the server ended the stream');
    } catch (error) {
      return error instanceof ChannelError ? error : new ChannelError('connection', String(error));
    } finally {
      this.#isOpen = false;
      connection.abort();
      connection.release();
    }
  }

  async #read(signal: AbortSignal, backoff: Backoff): Promise<void> {
    const { channel, onLine, logger } = this.#options;
    const lines = channel.watch(signal)[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.#next(lines, signal);
      if (next.done === true) return;
      if (!this.#isOpen) logger.info('Stream open');
      this.#isOpen = true;
      backoff.succeeded();
      onLine(next.value);
    }
  }

  async #next(lines: AsyncIterator<StreamLine>, signal: AbortSignal): Promise<IteratorResult<StreamLine>> {
    const { clock } = this.#options;
    try {
      return await withTimeout({ clock, limitMs: SILENCE_LIMIT_MS, signal }, () => lines.next());
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'TimeoutError') throw error;
      throw new ChannelError('silent', `no line within ${SILENCE_LIMIT_MS} ms`);
    }
  }
}
