/** The volumes of a pod as directories, kept up to date as a kubelet keeps them. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigMaps, Secrets } from '../../../src/api/core.ts';
import { isKubernetesError, type KubernetesPort } from '../../../src/runtime/kubernetes.ts';
import { requestToken } from '../../controlplane/kubeconfig.ts';
import type { Endpoint } from '../../controlplane/request.ts';
import { fieldOf, type KeyToPath, type Projection, type RunnablePod, type Volume } from './podspec.ts';

/** Share of its life after which a token is replaced; a kubelet's own. */
const TOKEN_REFRESH = 0.8;
const DEFAULT_TOKEN_SECONDS = 3600;

/** Something a volume needs is not there yet: the container has to wait. */
export class VolumeNotReady extends Error {
  override readonly name = 'VolumeNotReady';
  readonly code = 'volumeNotReady';
}

export interface VolumesOptions {
  pod: RunnablePod;
  /** Each volume becomes a directory in it. */
  dir: string;
  port: KubernetesPort;
  /** For tokens. */
  endpoint: Endpoint;
  /** Where a path of the host is on this machine. */
  hostPath: (path: string) => string;
  now: () => number;
}

/** Writes a file whole or not at all, and only when it differs. */
function writeWhole(path: string, content: string | Buffer): void {
  const bytes = Buffer.from(content);
  try {
    if (readFileSync(path).equals(bytes)) return;
  } catch {
    mkdirSync(dirname(path), { recursive: true });
  }
  writeFileSync(`${path}.new`, bytes, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

type Contents = Record<string, string | Buffer>;

/** The keys that are wanted, under the paths they are wanted at. */
const selected = (contents: Contents, items: KeyToPath[] | undefined): Contents =>
  items === undefined
    ? contents
    : Object.fromEntries(
        items.flatMap(({ key, path }) => (key in contents ? [[path, contents[key] ?? '']] : [])),
      );

/** See the head of this file. */
export class Volumes {
  readonly #options: VolumesOptions;
  /** When each token has to be replaced, by its path. */
  readonly #tokenDue = new Map<string, number>();

  constructor(options: VolumesOptions) {
    this.#options = options;
  }

  /** Where a path of the host is on this machine. */
  hostPath(path: string): string {
    return this.#options.hostPath(path);
  }

  /** Directory or file of a volume. */
  pathOf(volume: Volume): string {
    if (volume.hostPath !== undefined) return this.#options.hostPath(volume.hostPath.path);
    return join(this.#options.dir, volume.name);
  }

  /** Brings every volume up to date. @throws VolumeNotReady */
  async sync(): Promise<void> {
    for (const volume of this.#options.pod.spec.volumes ?? []) {
      const path = this.pathOf(volume);
      if (volume.hostPath === undefined) mkdirSync(path, { recursive: true });
      for (const source of sourcesOf(volume)) await this.#project(source, path);
    }
  }

  async #project(source: Projection, dir: string): Promise<void> {
    if (source.serviceAccountToken !== undefined) await this.#token(source.serviceAccountToken, dir);
    for (const [path, content] of Object.entries(await this.#contents(source))) {
      writeWhole(join(dir, path), content);
    }
  }

  async #contents({ configMap, secret, downwardAPI }: Projection): Promise<Contents> {
    if (configMap !== undefined) {
      const found = await this.#read(configMap.optional, () => this.#configMap(configMap.name));
      return selected(found, configMap.items);
    }
    if (secret !== undefined) {
      const found = await this.#read(secret.optional, () => this.#secret(secret.name));
      return selected(found, secret.items);
    }
    const items = downwardAPI?.items ?? [];
    const { pod } = this.#options;
    return Object.fromEntries(
      items.map(({ path, fieldRef }) => [path, fieldOf(pod, fieldRef?.fieldPath ?? '', '')]),
    );
  }

  async #configMap(name: string): Promise<Contents> {
    const { port, pod } = this.#options;
    const { data = {} } = await port.get(ConfigMaps, { name, namespace: pod.metadata.namespace ?? '' });
    return data;
  }

  async #secret(name: string): Promise<Contents> {
    const { port, pod } = this.#options;
    const { data = {} } = await port.get(Secrets, { name, namespace: pod.metadata.namespace ?? '' });
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')]),
    );
  }

  async #read(optional: boolean | undefined, read: () => Promise<Contents>): Promise<Contents> {
    try {
      return await read();
    } catch (error) {
      if (!isKubernetesError(error, 'notFound')) throw error;
      if (optional === true) return {};
      throw new VolumeNotReady(error.message, { cause: error });
    }
  }

  async #token(token: NonNullable<Projection['serviceAccountToken']>, dir: string): Promise<void> {
    const { pod, endpoint, now } = this.#options;
    const path = join(dir, token.path);
    if (now() < (this.#tokenDue.get(path) ?? 0)) return;
    const { name, namespace = '', uid = '' } = pod.metadata;
    const expirationSeconds = token.expirationSeconds ?? DEFAULT_TOKEN_SECONDS;
    const issued = await requestToken(endpoint, {
      namespace,
      serviceAccount: pod.spec.serviceAccountName ?? 'default',
      expirationSeconds,
      pod: { name, uid },
      ...(token.audience === undefined ? {} : { audiences: [token.audience] }),
    });
    writeWhole(path, issued.token);
    this.#tokenDue.set(path, now() + TOKEN_REFRESH * expirationSeconds * 1000);
  }
}

/** Every kind of volume that has content of the API, as the sources of a projected one. */
function sourcesOf({ projected, configMap, secret }: Volume): Projection[] {
  if (projected !== undefined) return projected.sources;
  if (configMap !== undefined) return [{ configMap }];
  if (secret === undefined) return [];
  const { secretName, ...rest } = secret;
  return [{ secret: { name: secretName, ...rest } }];
}
