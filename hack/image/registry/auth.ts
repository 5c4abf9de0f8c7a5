/** How a registry wants to be told who asks: a password, or a token that is to be had for one elsewhere. */
import { ImageError } from '../errors.ts';
import { memoryBlob } from '../oci/blob.ts';
import type { Credentials } from './credentials.ts';
import { isLoopback, readBody, send, type RegistryRequest } from './transport.ts';

export interface Challenge {
  scheme: 'basic' | 'bearer';
  parameters: Map<string, string>;
}

const PARAMETER = /(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/g;

/** `Bearer realm="https://…",service="…"` → its parts; undefined when it asks for something else. */
export function parseChallenge(header: string): Challenge | undefined {
  const scheme = /^\s*(basic|bearer)(?:\s|$)/i.exec(header)?.[1]?.toLowerCase();
  if (scheme !== 'basic' && scheme !== 'bearer') return undefined;
  const parameters = new Map<string, string>();
  for (const [, name = '', quoted, bare] of header.matchAll(PARAMETER)) {
    parameters.set(name.toLowerCase(), (quoted ?? bare ?? '').replace(/\\(.)/g, '$1'));
  }
  return { scheme, parameters };
}

const basic = ({ username, password }: Credentials): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

type TokenRequest = Omit<RegistryRequest, 'signal'>;

/** The request by which an identity token is exchanged. */
function exchange(
  realm: URL,
  service: Record<string, string>,
  [token, scope]: [string, string],
): TokenRequest {
  const form = {
    grant_type: 'refresh_token',
    client_id: 'brupop-image',
    refresh_token: token,
    scope,
    ...service,
  };
  const body = memoryBlob(Buffer.from(new URLSearchParams(form).toString()));
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return { method: 'POST', url: realm, body, headers };
}

/** Where tokens are to be had. @throws ImageError when a password would go there unprotected */
function realmOf(challenge: Challenge): URL {
  const realm = URL.parse(challenge.parameters.get('realm') ?? '');
  if (realm?.protocol === 'https:' || (realm?.protocol === 'http:' && isLoopback(realm.host))) return realm;
  const where = realm?.href ?? 'nowhere';
  throw new ImageError('registry', `The registry wants a token of ${where}, which is not https.`);
}

function tokenRequest(
  challenge: Challenge,
  credentials: Credentials | undefined,
  scopes: readonly string[],
): TokenRequest {
  const realm = realmOf(challenge);
  const named = challenge.parameters.get('service');
  const service: Record<string, string> = named === undefined ? {} : { service: named };
  if (credentials?.identityToken !== undefined) {
    return exchange(realm, service, [credentials.identityToken, scopes.join(' ')]);
  }
  for (const [key, value] of Object.entries(service)) realm.searchParams.set(key, value);
  for (const scope of scopes) realm.searchParams.append('scope', scope);
  const headers = credentials === undefined ? {} : { headers: { authorization: basic(credentials) } };
  return { method: 'GET', url: realm, ...headers };
}

export interface AuthorizeOptions {
  /** For messages. */
  registry: string;
  credentials: Credentials | undefined;
  /** `repository:NAME:pull,push` */
  scopes: readonly string[];
  signal: AbortSignal;
}

const refused = (registry: string, what: string): ImageError =>
  new ImageError('registry', `${registry} ${what}. Log in to it: docker login ${registry} (or skopeo login)`);

/**
 * The value for `Authorization` that answers a challenge.
 * @throws ImageError when there is none
 */
export async function authorize(challenge: Challenge, options: AuthorizeOptions): Promise<string> {
  const { registry, credentials, scopes, signal } = options;
  if (challenge.scheme === 'basic') {
    if (credentials === undefined) throw refused(registry, 'wants to know who asks');
    return basic(credentials);
  }
  const response = await send({ ...tokenRequest(challenge, credentials, scopes), signal });
  const answer = await readBody(response);
  if (response.status !== 200) {
    throw refused(registry, `gives no token for ${scopes.join(' ')} (HTTP ${response.status})`);
  }
  const { token, access_token: accessToken } = JSON.parse(answer.toString()) as {
    token?: string;
    access_token?: string;
  };
  return `Bearer ${token ?? accessToken ?? ''}`;
}
