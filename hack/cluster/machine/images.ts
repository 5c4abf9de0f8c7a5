/** The images of a machine: asks its containerd through `ctr`, from outside. */
import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const READY_TIMEOUT_MS = 30_000;
const POLL_MS = 50;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Which image: its name and the digest it stands for. */
export interface ImageRef {
  name: string;
  digest: string;
}

/** The images that an OCI layout's `index.json` names for containerd; those without a name are parts of others. */
export function namedImages(indexJson: string): ImageRef[] {
  const index = JSON.parse(indexJson) as {
    manifests?: { digest: string; annotations?: Record<string, string> }[];
  };
  return (index.manifests ?? []).flatMap(({ digest, annotations }) => {
    const name = annotations?.['io.containerd.image.name'];
    return name === undefined ? [] : [{ name, digest }];
  });
}

/** Reads the table that `ctr images list` prints. */
export const listedImages = (table: string): ImageRef[] =>
  table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [name, , digest] = line.split(/\s+/);
      return name === undefined || digest === undefined ? [] : [{ name, digest }];
    });

const byName = (images: readonly ImageRef[]): Map<string, string> =>
  new Map(images.map(({ name, digest }) => [name, digest]));

async function imagesIn(archive: string): Promise<ImageRef[]> {
  // Some writers put "./" before every name.
  const read = async (name: string): Promise<string> =>
    (await run('tar', ['--extract', '--to-stdout', '--file', archive, name])).stdout;
  return namedImages(await read('index.json').catch(() => read('./index.json')));
}

/** See the head of this file. */
export class ContainerImages {
  readonly #ctr: string;
  readonly #socket: string;

  /** @param socket of containerd, by a path that leads there from here */
  constructor(ctr: string, socket: string) {
    this.#ctr = ctr;
    this.#socket = socket;
  }

  /** Resolves when containerd takes connections. @throws Error after 30 s @throws the signal's reason */
  async ready(signal: AbortSignal): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (!(await accepts(this.#socket))) {
      if (performance.now() > deadline)
        throw new Error(`containerd does not answer after ${READY_TIMEOUT_MS} ms`);
      await delay(POLL_MS, undefined, { signal });
    }
  }

  /** Imports an archive. @throws Error in the words of `ctr` */
  async load(archive: string, signal?: AbortSignal): Promise<void> {
    await this.#run(['images', 'import', archive], signal);
  }

  /**
   * Imports those archives of which containerd lacks an image. A name that is in several stands for what the last of
   * them says.
   * @throws Error in the words of `ctr`
   */
  async ensure(archives: readonly string[], signal?: AbortSignal): Promise<void> {
    const present = byName(listedImages(await this.#run(['images', 'list'], signal)));
    const images = await Promise.all(archives.map(imagesIn));
    const wanted = byName(images.flat());
    for (const [at, archive] of archives.entries()) {
      const own = images[at] ?? [];
      const lacks = own.some(
        ({ name, digest }) => wanted.get(name) === digest && present.get(name) !== digest,
      );
      if (!lacks && own.length > 0) continue;
      await this.load(archive, signal);
      for (const { name, digest } of own) present.set(name, digest);
    }
  }

  async #run(args: readonly string[], signal?: AbortSignal): Promise<string> {
    const all = ['--address', this.#socket, '--namespace', 'k8s.io', ...args];
    const options = { maxBuffer: MAX_OUTPUT_BYTES, ...(signal === undefined ? {} : { signal }) };
    return (await run(this.#ctr, all, options)).stdout;
  }
}

const accepts = (socketPath: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(socketPath);
    const done = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
