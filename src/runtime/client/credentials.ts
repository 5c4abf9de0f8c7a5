/** Where the API server is and how we prove who we are, from a kubeconfig or from inside a pod. */
import { readFile } from 'node:fs/promises';
import type { Agent as HttpAgent } from 'node:http';
import type { RequestOptions } from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from '../clock.ts';

/** What a connection's TLS depends on; a change of it means new connections. */
export interface TlsIdentity {
  ca?: Buffer | string;
  cert?: Buffer | string;
  key?: Buffer | string;
  rejectUnauthorized?: boolean;
  servername?: string;
}

/** The state of the credentials at one moment. */
export interface Access {
  /** Scheme, host, port and path prefix of the API server. */
  readonly server: URL;
  readonly tls: TlsIdentity;
  /** Authorization and impersonation. */
  readonly headers: Readonly<Record<string, string>>;
  /** Set when the kubeconfig names a proxy. */
  readonly proxy?: HttpAgent;
}

export interface Credentials {
  current(): Promise<Access>;
  /** The server refused what `current` returned: read everything again. */
  refused(): void;
}

/** How long credentials are used before files (token, certificates) are read again. */
const REFRESH_MS = 10_000;

/**
 * Credentials from a KubeConfig. Files are read again every 10 s, so that rotated tokens and certificates are used
 * in time. After a 401 the KubeConfig itself is loaded again, at most once in 10 s.
 * @param load makes the KubeConfig; @throws what reading the file throws.
 */
export function kubeConfigCredentials(load: () => KubeConfig, clock: Clock): Credentials {
  let config = load();
  let loadedAtMs = clock.monotonic();
  let access: Promise<Access> | undefined;
  let readAtMs = 0;
  return {
    current() {
      const now = clock.monotonic();
      if (access !== undefined && now - readAtMs < REFRESH_MS) return access;
      readAtMs = now;
      const reading = readAccess(config);
      access = reading;
      reading.catch(() => {
        if (access === reading) access = undefined;
      });
      return reading;
    },
    refused() {
      access = undefined;
      if (clock.monotonic() - loadedAtMs < REFRESH_MS) return;
      loadedAtMs = clock.monotonic();
      try {
        config = load();
      } catch {
        // The file is being replaced, perhaps: go on with what we had, the next refusal reads it again.
      }
    },
  };
}

async function readAccess(config: KubeConfig): Promise<Access> {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new TypeError('The kubeconfig has no current cluster');
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const headers = headersOf(options);
  const tokenFile = tokenFileOf(config);
  // The library keeps a file's token for a minute; ours is as old as the Access.
  if (tokenFile !== undefined)
    headers['Authorization'] = `Bearer ${(await readFile(tokenFile, 'utf8')).trim()}`;
  return {
    server: new URL(cluster.server),
    tls: tlsOf(options),
    headers,
    ...(cluster.proxyUrl !== undefined && options.agent instanceof Object && { proxy: options.agent }),
  };
}

function headersOf(options: RequestOptions): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {})) headers[name] = String(value).trim();
  if (typeof options.auth === 'string')
    headers['Authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  return headers;
}

function tlsOf(options: RequestOptions): TlsIdentity {
  const { ca, cert, key, rejectUnauthorized, servername } = options as TlsIdentity;
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(rejectUnauthorized !== undefined && { rejectUnauthorized }),
    ...(servername !== undefined && { servername }),
  };
}

function tokenFileOf(config: KubeConfig): string | undefined {
  const provider = config.getCurrentUser()?.authProvider as { config?: { tokenFile?: string } } | undefined;
  return provider?.config?.tokenFile;
}

export interface KubeConfigSource {
  /** A kubeconfig file. @default the usual places: KUBECONFIG, ~/.kube/config, the pod's ServiceAccount */
  file?: string;
  /** A context of it. @default its current context */
  context?: string;
}

/**
 * A loader of the KubeConfig, to be called again when credentials are refused.
 * @throws (when called) what reading or parsing throws.
 */
export function kubeConfigLoader(source: KubeConfigSource = {}): () => KubeConfig {
  return () => {
    const config = new KubeConfig();
    if (source.file === undefined || source.file === '') config.loadFromDefault();
    else config.loadFromFile(source.file);
    if (source.context !== undefined && source.context !== '') config.setCurrentContext(source.context);
    return config;
  };
}
