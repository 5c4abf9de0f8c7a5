/** A watch that is read as it goes; its events wait to be looked at. */
import {
  KubernetesError,
  type KubeObject,
  type KubernetesPort,
  type Resource,
  type Selection,
} from '../../src/runtime/kubernetes.ts';
import type { KindName } from './call.ts';

export interface FollowedWatchOptions {
  port: KubernetesPort;
  kind: KindName;
  resource: Resource;
  selection: Selection;
  resourceVersion: string;
}

/** See the head of this file. Constructing it opens the watch. */
export class FollowedWatch {
  readonly kind: KindName;
  readonly events: { type: 'ADDED' | 'MODIFIED' | 'DELETED'; object: KubeObject }[] = [];
  /** How the watch ended, when it ended badly. */
  error: KubernetesError | undefined;
  readonly #stop = new AbortController();
  readonly #opened = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  readonly #from: string;

  constructor(options: FollowedWatchOptions) {
    this.kind = options.kind;
    this.#from = options.resourceVersion;
    this.#running = this.#follow(options);
  }

  /** Resolves when the watch is open, or has ended. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** Where another watch goes on. */
  get position(): string {
    return this.events.at(-1)?.object.metadata.resourceVersion ?? this.#from;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #follow({ port, resource, selection, resourceVersion }: FollowedWatchOptions): Promise<void> {
    const { signal } = this.#stop;
    const onOpen = (): void => this.#opened.resolve();
    try {
      for await (const event of port.watch(resource, { ...selection, resourceVersion, onOpen, signal }))
        if (event.type !== 'BOOKMARK') this.events.push(event);
    } catch (error) {
      if (!(error instanceof KubernetesError)) throw error;
      this.error = error;
    } finally {
      this.#opened.resolve();
    }
  }
}
