/** What the agent's core needs of the world besides its host: the API server's channel and a few files. */
import type { ProblemCode, ReportAccepted, StatusReport, StreamLine, WireShadow } from '../api/wire.ts';

/** What a request to the API server came to. */
export type ChannelAnswer<T> =
  | { kind: 'ok'; value: T }
  /** Refused, with a code of the closed table; `retryAfterMs` when the server asked for a pause. */
  | { kind: 'problem'; code: ProblemCode; detail: string; retryAfterMs?: number }
  /** No answer, or none that can be understood: it may have been carried out or not. */
  | { kind: 'unknown'; why: string };

/** A stream that did not open, or broke. */
export class ChannelError extends Error {
  override readonly name = 'ChannelError';
  /** A code of the API server, or `closed`, `connection`, `silent`, `badLine`, `tooLong`. */
  readonly code: string;
  /** The pause the server asked for. */
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, retryAfterMs?: number) {
    super(message);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The way to the API server. */
export interface Channel {
  /**
   * One connection's lines; the first is the current shadow, or a heartbeat when there is none. Ends when the server
   * ends it or the signal aborts. @throws ChannelError when it does not open or breaks.
   */
  watch(signal: AbortSignal): AsyncIterable<StreamLine>;
  /** The shadow read live. */
  get(signal: AbortSignal): Promise<ChannelAnswer<WireShadow>>;
  /** Only `ok` lets the agent go on. */
  putStatus(report: StatusReport, signal: AbortSignal): Promise<ChannelAnswer<ReportAccepted>>;
}

/** The files the core reads. */
export interface AgentFiles {
  /** The boot id of the host, trimmed. @throws when it cannot be read. */
  bootId(): Promise<string>;
}
