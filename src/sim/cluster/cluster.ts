/**
 * A Kubernetes cluster in memory, on virtual time: an API server that behaves as the real one does for what this
 * operator asks of it (`test/contract` holds both to one suite), with the controllers that belong to it.
 */
import { CustomResourceDefinitions, Namespaces, Pods, ServiceAccounts } from '../../api/core.ts';
import type { Key, KubeObject, Resource } from '../../runtime/kubernetes.ts';
import type { VirtualClock } from '../clock.ts';
import { seededRandom } from '../random.ts';
import { BUILTIN, withoutStatus } from './builtin.ts';
import { type ClientOptions, SimClient, type Wire } from './client.ts';
import { create } from './create.ts';
import { type Admission, define } from './definition.ts';
import { DisruptionController } from './disruption.ts';
import { GarbageCollector } from './garbage.ts';
import { EventLog, type EventLogOptions } from './log.ts';
import { Operations } from './operations.ts';
import { withMeta } from './object.ts';
import { read, type Server } from './server.ts';
import { Store } from './store.ts';
import {
  CRD_FINALIZER,
  crdName,
  DefinitionController,
  definedBy,
  NamespaceController,
} from './termination.ts';
import { type IssuedToken, type TokenRequest, Tokens } from './tokens.ts';
import { WatchHub } from './watch.ts';

export interface SimClusterOptions {
  clock: VirtualClock;
  /** Decides UIDs and generated names. @default 1 */
  seed?: number | string;
  /** How long the past is remembered for watches and pages. @default 5 minutes */
  historyMs?: number;
  /** How often an idle watch is told the current revision. @default 1 minute */
  bookmarkMs?: number;
  /** How long the cluster's own controllers take to notice. @default 50 */
  controllerDelayMs?: number;
  log?: EventLogOptions;
}

const NAMESPACES = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
const MIN_WATCH_TIMEOUT_MS = 30 * 60_000;

export class SimCluster {
  readonly clock: VirtualClock;
  readonly log: EventLog;
  readonly #server: Server;
  readonly #hub: WatchHub;
  readonly #tokens: Tokens;
  readonly #wire: Wire;
  /** They act on what the store tells them. */
  readonly #controllers: readonly object[];
  #actor = 'cluster';
  readonly #lags = new Set<(plural: string) => number>();

  constructor(options: SimClusterOptions) {
    const { clock, historyMs = 5 * 60_000, bookmarkMs = 60_000, controllerDelayMs = 50 } = options;
    this.clock = clock;
    this.log = new EventLog(clock, options.log);
    const random = seededRandom(options.seed ?? 1).fork('cluster');
    const store = new Store(clock, historyMs);
    const lagMs = (plural: string): number => Math.max(0, ...[...this.#lags].map((lag) => lag(plural)));
    this.#server = { store, clock, random, lagMs };
    for (const definition of BUILTIN) store.define(definition);
    store.subscribe(({ type, object }, table) => {
      this.log.add(this.#actor, type, { plural: table.definition.resource.plural, object });
    });
    this.#hub = new WatchHub(store, clock, bookmarkMs);
    this.#tokens = new Tokens(this.#server);
    this.#wire = this.#connect(random.fork('watches'));
    this.#controllers = this.#makeControllers(controllerDelayMs);
    for (const name of NAMESPACES) this.add(Namespaces, { metadata: { name } });
  }

  /** A port of its own for an actor. */
  client(options: ClientOptions | string): SimClient {
    return new SimClient(this.#wire, typeof options === 'string' ? { name: options } : options);
  }

  /** Serves a custom resource with a status subresource, as `kubectl apply` of its CRD would. */
  install(resource: Resource, admission: Admission = {}): void {
    const { store } = this.#server;
    store.define(
      define(resource, { custom: true, status: true, generation: true, begin: withoutStatus, ...admission }),
    );
    const { group, plural, kind, version, namespaced } = resource;
    this.add(CustomResourceDefinitions, {
      metadata: { name: crdName(resource), finalizers: [CRD_FINALIZER] },
      spec: {
        group,
        scope: namespaced ? 'Namespaced' : 'Cluster',
        names: { plural, kind },
        versions: [{ name: version, served: true, storage: true }],
      },
    } as KubeObject);
  }

  /** Writes an object at once, past latency, faults and rights. @throws KubernetesError as a create does */
  add<T extends KubeObject>(resource: Resource<T>, object: NoInfer<T>): T {
    return create(this.#server, this.#server.store.table(resource), { body: object }) as unknown as T;
  }

  /** The object as it is now, not to be changed; undefined when there is none. */
  peek<T extends KubeObject>(resource: Resource<T>, key: Key): Readonly<T> | undefined {
    return this.#server.store.table(resource).get(key) as unknown as T | undefined;
  }

  /** All objects as they are now, in the order of lists, not to be changed. */
  peekAll<T extends KubeObject>(resource: Resource<T>): readonly Readonly<T>[] {
    return this.#server.store.table(resource).all() as unknown as T[];
  }

  /** What the cluster's doubles of controllers work on. */
  get server(): Server {
    return this.#server;
  }

  /** The scheduler's pods/binding subresource. @throws KubernetesError notFound */
  bind(key: Key, nodeName: string): void {
    const pods = this.#server.store.table(Pods);
    const pod = read(pods, key);
    const generation = (pod.metadata.generation ?? 0) + 1;
    this.#server.store.put(
      pods,
      { ...withMeta(pod, { generation }), spec: { ...(pod.spec as object), nodeName } },
      pod,
    );
  }

  /** TokenRequest. @throws KubernetesError when what it is bound to is not there */
  issueToken(request: TokenRequest): IssuedToken {
    return this.#tokens.issue(request);
  }

  /** A ServiceAccount, if it is not there yet. */
  serviceAccount(namespace: string, name: string): void {
    if (this.peek(ServiceAccounts, { namespace, name }) === undefined)
      this.add(ServiceAccounts, { metadata: { name, namespace } });
  }

  /** A namespace, if it is not there yet. */
  namespace(name: string): void {
    if (this.peek(Namespaces, { name }) === undefined) this.add(Namespaces, { metadata: { name } });
  }

  /** Forgets the past: watches and pages that began before are answered 410. */
  compact(): void {
    this.#server.store.compact();
  }

  /**
   * Lets the caches that lists of resourceVersion "0" are read from lag behind, by the milliseconds this says of the
   * plural of a resource. @returns ends it
   */
  lag(byMs: (plural: string) => number): () => void {
    this.#lags.add(byMs);
    return () => void this.#lags.delete(byMs);
  }

  /** Who writes right now: the name of a client, or `cluster` for the cluster's own controllers. */
  get actor(): string {
    return this.#actor;
  }

  /** How many watches are open. */
  get openWatches(): number {
    return this.#hub.open;
  }

  #connect(random: () => number): Wire {
    return {
      operations: new Operations(this.#server, this.#hub, this.#tokens),
      clock: this.clock,
      log: this.log,
      as: (client, operation) => {
        this.#actor = client;
        try {
          return operation();
        } finally {
          this.#actor = 'cluster';
        }
      },
      watchTimeoutMs: () => Math.floor(MIN_WATCH_TIMEOUT_MS * (1 + random())),
    };
  }

  /** How many controllers of the cluster's own are at work. */
  get controllerCount(): number {
    return this.#controllers.length;
  }

  #makeControllers(delayMs: number): object[] {
    const server = this.#server;
    const tableOf = (crd: KubeObject) =>
      server.store.tables.find(({ definition }) => crdName(definition.resource) === crd.metadata.name);
    return [
      new DisruptionController(server, this.clock, delayMs),
      new GarbageCollector(server, this.clock, delayMs),
      new NamespaceController(server, this.clock, delayMs),
      new DefinitionController(server, {
        clock: this.clock,
        delayMs,
        instances: tableOf,
        onGone: (crd) => {
          const table = tableOf(crd);
          if (table !== undefined) this.#hub.endAll(table);
          server.store.undefine({ version: '', kind: '', namespaced: true, ...definedBy(crd) });
        },
      }),
    ];
  }
}
