/** The operations of the API server, each at one instant, on behalf of somebody. */
import { CustomResourceDefinitions } from '../../api/core.ts';
import type {
  DeleteOptions,
  Key,
  KubeObject,
  List,
  ListOptions,
  PatchOptions,
  Resource,
  ReviewedToken,
  Selection,
} from '../../runtime/kubernetes.ts';
import { create } from './create.ts';
import { refusal } from './errors.ts';
import { evict, type EvictRequest } from './evict.ts';
import { copyJson } from './json.ts';
import { list } from './list.ts';
import { patch } from './patch.ts';
import { remove } from './remove.ts';
import { select } from './selection.ts';
import { read, type Server } from './server.ts';
import type { Table } from './table.ts';
import { crdName, isTerminating } from './termination.ts';
import type { Tokens } from './tokens.ts';
import type { Sink, WatchHub } from './watch.ts';

export interface WatchCall extends Selection {
  resourceVersion: string;
  timeoutMs: number;
}

/** Answers are copies: callers may change them. */
export class Operations {
  readonly #server: Server;
  readonly #hub: WatchHub;
  readonly #tokens: Tokens;

  constructor(server: Server, hub: WatchHub, tokens: Tokens) {
    this.#server = server;
    this.#hub = hub;
    this.#tokens = tokens;
  }

  get(resource: Resource, key: Key): KubeObject {
    return copyJson(read(this.#table(resource), key));
  }

  list(resource: Resource, options: ListOptions): List<KubeObject> {
    return list(this.#server, this.#table(resource), options);
  }

  /** @returns what closes the watch */
  watch(resource: Resource, call: WatchCall, sink: Sink): () => void {
    const table = this.#table(resource);
    const { resourceVersion, timeoutMs } = call;
    return this.#hub.watch(
      { table, selected: select(table.definition, call), resourceVersion, timeoutMs },
      sink,
    );
  }

  create(resource: Resource, body: object, dryRun: boolean): KubeObject {
    const table = this.#table(resource);
    this.#requireDefinition(table);
    return copyJson(create(this.#server, table, { body, dryRun }));
  }

  patch(resource: Resource, request: { key: Key; body: object } & PatchOptions): KubeObject {
    return copyJson(patch(this.#server, this.#table(resource), request));
  }

  delete(resource: Resource, key: Key, options: DeleteOptions): void {
    remove(this.#server, this.#table(resource), { key, options });
  }

  evict(request: EvictRequest): void {
    evict(this.#server, request);
  }

  review(token: string, audiences: string[]): ReviewedToken {
    return this.#tokens.review(token, audiences);
  }

  #table(resource: Resource): Table {
    return this.#server.store.table(resource);
  }

  #requireDefinition({ definition: { custom, resource } }: Table): void {
    if (!custom) return;
    const crd = this.#server.store.table(CustomResourceDefinitions).get({ name: crdName(resource) });
    if (isTerminating(crd))
      throw refusal('invalid', 'create not allowed while custom resource definition is terminating', {
        status: 405,
      });
  }
}
