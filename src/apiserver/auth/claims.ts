/** What a token says of itself, before anybody has checked its signature. */

/** Longest token that is looked at; Kubernetes' own are about 1.5 KiB. */
export const MAX_TOKEN_BYTES = 8192;

export interface TokenClaims {
  /** `exp` in milliseconds since the epoch; undefined when the token does not say. */
  expiresAtMs: number | undefined;
}

/**
 * Reads `exp`. It may only ever shorten what a token is good for: a forged value harms nobody but its sender, and
 * after a positive review it is the signed one. Text that is no JWT says nothing.
 */
export function readClaims(token: string): TokenClaims {
  const payload = token.split('.')[1];
  if (payload === undefined) return { expiresAtMs: undefined };
  try {
    // Not from Node's pool: its slabs would be kept by the small buffers of connections that live for an hour.
    const bytes = Buffer.allocUnsafeSlow(Math.ceil((payload.length * 3) / 4));
    const claims: unknown = JSON.parse(bytes.toString('utf8', 0, bytes.write(payload, 'base64url')));
    const exp = typeof claims === 'object' && claims !== null && 'exp' in claims ? claims.exp : undefined;
    return { expiresAtMs: typeof exp === 'number' && Number.isFinite(exp) ? exp * 1000 : undefined };
  } catch {
    // Not a JWT. Whether it is a token at all is for the review to say.
    return { expiresAtMs: undefined };
  }
}

/**
 * The token of an `Authorization` header; undefined when there is none or it is of another scheme, is too long or
 * has characters that no bearer token has (RFC 6750).
 */
export function bearerToken(authorization: string | undefined): string | undefined {
  if (authorization === undefined || authorization.length > MAX_TOKEN_BYTES + 7) return undefined;
  return /^Bearer ([A-Za-z0-9\-._~+/]+=*)$/i.exec(authorization)?.[1];
}
