/** A port that writes only while this process is the leader. */
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
} from './kubernetes.ts';
import type { LeaderElector } from './leader.ts';

/**
 * Wraps `port`. Reads pass; create, patch, delete and evict, dry runs included, are refused with a KubernetesError
 * `fenced` once the elector has not renewed its lease in time, and the lead signal is aborted.
 */
export const fence = (port: KubernetesPort, elector: Pick<LeaderElector, 'assertMayWrite'>): KubernetesPort =>
  new FencedPort(port, elector);

class FencedPort implements KubernetesPort {
  readonly #port: KubernetesPort;
  readonly #elector: Pick<LeaderElector, 'assertMayWrite'>;

  constructor(port: KubernetesPort, elector: Pick<LeaderElector, 'assertMayWrite'>) {
    this.#port = port;
    this.#elector = elector;
  }

  get<T extends KubeObject>(resource: Resource<T>, key: Key): Promise<T> {
    return this.#port.get(resource, key);
  }

  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<List<T>> {
    return this.#port.list(resource, options);
  }

  watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
    return this.#port.watch(resource, options);
  }

  async create<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options?: { dryRun?: boolean },
  ): Promise<T> {
    this.#elector.assertMayWrite();
    return this.#port.create(resource, object, options);
  }

  // oxlint-disable-next-line max-params -- the port's signature
  async patch<T extends KubeObject>(
    resource: Resource<T>,
    key: Key,
    body: object,
    options?: PatchOptions,
  ): Promise<T> {
    this.#elector.assertMayWrite();
    return this.#port.patch(resource, key, body, options);
  }

  async delete<T extends KubeObject>(
    resource: Resource<T>,
    key: Key,
    options?: DeleteOptions,
  ): Promise<void> {
    this.#elector.assertMayWrite();
    await this.#port.delete(resource, key, options);
  }

  async evict(pod: Required<Key>, options: EvictOptions): Promise<void> {
    this.#elector.assertMayWrite();
    await this.#port.evict(pod, options);
  }

  reviewToken(token: string, audiences: string[]): Promise<ReviewedToken> {
    return this.#port.reviewToken(token, audiences);
  }

  clockSkewMs(): number | undefined {
    return this.#port.clockSkewMs();
  }
}
