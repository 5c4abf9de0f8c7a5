/** One agent's open stream. A slow reader costs one line of buffer: what it missed is replaced by the latest state. */
import type { Identity } from '../auth/identity.ts';

/** Where lines go; the adapter's socket, or a test's array. */
export interface Sink {
  /** @returns false when its buffer is full: call `AgentStream.drained` once it has room. */
  write(line: string): boolean;
  /** No more lines. */
  end(): void;
}

/** Why a stream was ended; the label of its metric. */
export const STREAM_ENDS = [
  'client',
  'expired',
  'ownerChanged',
  'podGone',
  'replaced',
  'stalled',
  'drained',
] as const;
export type StreamEnd = (typeof STREAM_ENDS)[number];

/** See the head of this file. Made by the hub. */
export class AgentStream {
  readonly identity: Identity;
  /** Which notch of the hub's wheel it hangs on. */
  readonly notch: number;
  readonly #sink: Sink;
  readonly #onEnd: (stream: AgentStream, why: StreamEnd) => void;
  #pending: string | undefined;
  #blockedAtMs: number | undefined;
  #ended = false;

  constructor(options: {
    identity: Identity;
    notch: number;
    sink: Sink;
    onEnd: (stream: AgentStream, why: StreamEnd) => void;
  }) {
    this.identity = options.identity;
    this.notch = options.notch;
    this.#sink = options.sink;
    this.#onEnd = options.onEnd;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** When the reader stopped reading, monotonic; undefined while it reads. */
  get blockedAtMs(): number | undefined {
    return this.#blockedAtMs;
  }

  /** Sends a state. While the reader is slow only the latest one waits. */
  sendState(line: string, nowMs: number): void {
    if (this.#blockedAtMs === undefined) this.#write(line, nowMs);
    else this.#pending = line;
  }

  /** Sends a heartbeat; a reader that still has lines to read needs none. */
  sendHeartbeat(line: string, nowMs: number): void {
    if (this.#ended || this.#blockedAtMs !== undefined) return;
    if (!this.#sink.write(line)) this.#blockedAtMs = nowMs;
  }

  /** The sink has room again. */
  drained(nowMs: number): void {
    this.#blockedAtMs = undefined;
    const line = this.#pending;
    this.#pending = undefined;
    if (line !== undefined) this.#write(line, nowMs);
  }

  /** The other side closed the connection. */
  closed(): void {
    this.end('client');
  }

  /** Ends it. Without effect the second time. */
  end(why: StreamEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#pending = undefined;
    this.#onEnd(this, why);
    this.#sink.end();
  }

  #write(line: string, nowMs: number): void {
    if (this.#ended) return;
    if (!this.#sink.write(line)) this.#blockedAtMs = nowMs;
  }
}
