/** What one client may take of this process. Each is far above what an agent needs. */
export interface HttpLimits {
  /** Largest body of a request; a report is below 8 KiB. @default 64 KiB */
  bodyBytes: number;
  /** All headers of a request; a token is about 1.5 KiB. @default 16 KiB */
  headerBytes: number;
  /** From the opening of a connection, or the first byte of a further request, to the last header. @default 10 s */
  headersMs: number;
  /** From there to the last byte of the body. @default 15 s */
  requestMs: number;
  /** TLS handshake. @default 10 s */
  handshakeMs: number;
  /** A connection without a request under way is closed. @default 65 s */
  keepAliveMs: number;
  /** A connection on which nothing moves in either direction is closed; heartbeats move. @default 75 s */
  silenceMs: number;
  /** Further connections are closed at once. @default 12000 */
  connections: number;
  /** How often header and request times are looked at. @default 2 s */
  checkMs: number;
}

export const DEFAULT_LIMITS: Readonly<HttpLimits> = {
  bodyBytes: 64 * 1024,
  headerBytes: 16 * 1024,
  headersMs: 10_000,
  requestMs: 15_000,
  handshakeMs: 10_000,
  keepAliveMs: 65_000,
  silenceMs: 75_000,
  connections: 12_000,
  checkMs: 2000,
};
