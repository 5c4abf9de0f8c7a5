/** One exchange with the host API, below any meaning: implemented by a socket, or in process. */
export interface HostRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** Path and query. */
  path: string;
  /** JSON text; sent with `content-type: application/json`. */
  body?: string;
}

/** What came back. `code` is Node's error code. */
export type HostReply =
  | { kind: 'response'; status: number; body: string }
  /** No complete response: refused, reset, no such socket. */
  | { kind: 'error'; code: string }
  /** Bytes that are no HTTP, or a body beyond the limit; `text` is its beginning. */
  | { kind: 'garbage'; text: string };

/** Sends one request over a connection of its own. Never rejects; an aborted signal ends it with an error reply. */
export type HostTransport = (request: HostRequest, signal: AbortSignal) => Promise<HostReply>;
