/** A Kubernetes that lists what it was given and announces what is changed; nobody else is in it. */
import type { KubeObject, KubernetesPort, Resource, WatchEvent } from '../../../src/runtime/kubernetes.ts';
import { KubernetesError } from '../../../src/runtime/kubernetes.ts';
import { keyText } from '../../../src/runtime/store.ts';

const unused = (): never => {
  throw new KubernetesError('invalid', 'not part of the measurement');
};

interface Collection {
  objects: Map<string, KubeObject>;
  /** What happened since the last list and was not watched yet; there is one watch at most. */
  news: WatchEvent<KubeObject>[];
  wake: () => void;
}

export class StaticCluster {
  readonly #collections = new Map<string, Collection>();
  #version = 1;

  readonly port: KubernetesPort = {
    list: async (resource) => {
      const collection = this.#of(resource);
      const items = [...collection.objects.values()];
      collection.news = [];
      return { items, resourceVersion: String(this.#version) } as never;
    },
    watch: (resource, { signal, onOpen }) => {
      onOpen?.();
      return this.#watch(resource, signal) as never;
    },
    get: unused,
    create: unused,
    patch: unused,
    delete: unused,
    evict: unused,
    reviewToken: unused,
    clockSkewMs: () => 0,
  };

  /** Puts an object there, or in the place of the one of that name. @returns it with its resourceVersion. */
  put<T extends KubeObject>(resource: Resource<T>, object: T): T {
    const collection = this.#of(resource);
    const { objects } = collection;
    const key = keyText(object.metadata);
    const type = objects.has(key) ? 'MODIFIED' : 'ADDED';
    this.#version += 1;
    const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
    objects.set(key, stored);
    collection.news.push({ type, object: stored });
    collection.wake();
    return stored;
  }

  #of({ plural }: Resource): Collection {
    const known = this.#collections.get(plural);
    if (known !== undefined) return known;
    const made: Collection = { objects: new Map(), news: [], wake: () => undefined };
    this.#collections.set(plural, made);
    return made;
  }

  async *#watch(resource: Resource, signal: AbortSignal): AsyncGenerator<WatchEvent<KubeObject>> {
    const collection = this.#of(resource);
    signal.addEventListener('abort', () => collection.wake());
    while (!signal.aborted) {
      yield* collection.news.splice(0);
      await new Promise<void>((resolve) => {
        collection.wake = resolve;
        if (collection.news.length > 0) resolve();
      });
    }
  }
}
