/** A Kubernetes port that lives and dies with a process. */
import type {
  DeleteOptions,
  EvictOptions,
  Key,
  KubeObject,
  KubernetesPort,
  List,
  ListOptions,
  PatchOptions,
  Resource,
  ReviewedToken,
  WatchEvent,
  WatchOptions,
} from '../../runtime/kubernetes.ts';

/** What the port asks of a life. */
interface Mortal {
  cross<T>(send: () => Promise<T>): Promise<T>;
  call(go: () => void): void;
}

/** See the head of this file. */
export class MortalPort implements KubernetesPort {
  readonly #life: Mortal;
  readonly #port: KubernetesPort;

  constructor(life: Mortal, port: KubernetesPort) {
    this.#life = life;
    this.#port = port;
  }

  get<T extends KubeObject>(resource: Resource<T>, key: Key): Promise<T> {
    return this.#life.cross(() => this.#port.get(resource, key));
  }

  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<List<T>> {
    return this.#life.cross(() => this.#port.list(resource, options));
  }

  async *watch<T extends KubeObject>(
    resource: Resource<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    const { onOpen } = options;
    const heard = onOpen === undefined ? {} : { onOpen: () => this.#life.call(onOpen) };
    const events = this.#port.watch(resource, { ...options, ...heard })[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await this.#life.cross(() => events.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      await events.return?.();
    }
  }

  create<T extends KubeObject>(resource: Resource<T>, object: T, options?: { dryRun?: boolean }): Promise<T> {
    return this.#life.cross(() => this.#port.create(resource, object, options));
  }

  // oxlint-disable-next-line max-params -- the port's signature
  patch<T extends KubeObject>(
    resource: Resource<T>,
    key: Key,
    body: object,
    options?: PatchOptions,
  ): Promise<T> {
    return this.#life.cross(() => this.#port.patch(resource, key, body, options));
  }

  delete<T extends KubeObject>(resource: Resource<T>, key: Key, options?: DeleteOptions): Promise<void> {
    return this.#life.cross(() => this.#port.delete(resource, key, options));
  }

  evict(pod: Required<Key>, options: EvictOptions): Promise<void> {
    return this.#life.cross(() => this.#port.evict(pod, options));
  }

  reviewToken(token: string, audiences: string[]): Promise<ReviewedToken> {
    return this.#life.cross(() => this.#port.reviewToken(token, audiences));
  }

  clockSkewMs(): number | undefined {
    return this.#port.clockSkewMs();
  }
}
