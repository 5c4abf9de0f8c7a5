/**
 * Somebody else than the operator who works on the cluster: through a client of their own, one write after the other, each
 * on top of what is there. What they wanted is recorded once it is so.
 */
import type { Node, Taint } from '../../api/core.ts';
import { Nodes, Pods } from '../../api/core.ts';
import { isKubernetesError } from '../../runtime/kubernetes.ts';
import type { Key, KubeObject, KubernetesPort, Resource } from '../../runtime/kubernetes.ts';
import type { VirtualClock } from '../clock.ts';
import type { SimCluster } from '../cluster/cluster.ts';
import { isJsonObject } from '../cluster/json.ts';
import type { Want, Wants } from './wants.ts';

/** Where actors work. */
export interface Ground {
  readonly clock: VirtualClock;
  readonly cluster: SimCluster;
  readonly wants: Wants;
}

/** How often a write that met another is tried again. */
const TRIES = 5;
const RETRY_MS = 700;
const DRAIN_RETRY_MS = 5_000;

/** A change of one key: what the object has there, and the patch that makes it so. */
interface KeyChange<T> {
  kind: Want['kind'];
  key: Want['key'];
  value: Want['value'];
  found: (object: T) => Want['value'];
  patch: (object: T) => object;
}

/** See the head of this file. */
export class Actor {
  readonly name: string;
  readonly port: KubernetesPort;
  readonly #ground: Ground;

  constructor(name: string, ground: Ground) {
    this.name = name;
    this.#ground = ground;
    this.port = ground.cluster.client(name);
  }

  /** Cordons a node or undoes a cordon. @returns whether that has changed anything */
  cordon(node: string, isCordoned: boolean): Promise<boolean> {
    return this.#change(
      Nodes,
      { name: node },
      {
        kind: 'Node',
        key: 'cordon',
        value: isCordoned,
        found: ({ spec }) => spec?.unschedulable === true,
        patch: () => ({ spec: { unschedulable: isCordoned ? true : null } }),
      },
    );
  }

  /** Sets a label of a node; null = takes it away. */
  label(node: string, name: string, value: string | null): Promise<boolean> {
    return this.#change(
      Nodes,
      { name: node },
      {
        kind: 'Node',
        key: `label/${name}`,
        value,
        found: ({ metadata }) => metadata.labels?.[name] ?? null,
        patch: () => ({ metadata: { labels: { [name]: value } } }),
      },
    );
  }

  /** Sets an annotation of a node; null = takes it away. */
  annotate(node: string, name: string, value: string | null): Promise<boolean> {
    return this.#change(
      Nodes,
      { name: node },
      {
        kind: 'Node',
        key: `annotation/${name}`,
        value,
        found: ({ metadata }) => metadata.annotations?.[name] ?? null,
        patch: () => ({ metadata: { annotations: { [name]: value } } }),
      },
    );
  }

  /** Sets a taint of a node, or takes it away. */
  taint(node: string, taint: Taint, isThere = true): Promise<boolean> {
    const isIt = ({ key, effect }: Taint): boolean => key === taint.key && effect === taint.effect;
    return this.#change(
      Nodes,
      { name: node },
      {
        kind: 'Node',
        key: `taint/${taint.key}:${taint.effect}`,
        value: isThere,
        found: (object) => taintsOf(object).some(isIt),
        patch: (object) => {
          const others = taintsOf(object).filter((each) => !isIt(each));
          return { spec: { taints: isThere ? [...others, taint] : others } };
        },
      },
    );
  }

  /** Patches the spec of an object that has one. @returns what was there of the fields touched; undefined = it is gone */
  async editSpec<T extends KubeObject>(
    resource: Resource<T>,
    key: Key,
    spec: Record<string, unknown>,
  ): Promise<Record<string, unknown> | undefined> {
    const before = await this.#quietly(() => this.port.get(resource, key));
    if (before === undefined) return undefined;
    const old = (before as { spec?: Record<string, unknown> }).spec ?? {};
    const done = await this.#quietly(() => this.port.patch(resource, key, { spec }));
    if (done === undefined) return undefined;
    return Object.fromEntries(
      Object.entries(spec).map(([field, value]) => [field, undoing(old[field] ?? null, value)]),
    );
  }

  /** Writes an annotation of any object. */
  async annotateObject(of: { resource: Resource; key: Key }, name: string, value: string): Promise<void> {
    const body = { metadata: { annotations: { [name]: value } } };
    await this.#quietly(() => this.port.patch(of.resource, of.key, body));
  }

  /** Deletes an object, if it is there. */
  async remove(resource: Resource, key: Key): Promise<void> {
    await this.#quietly(() => this.port.delete(resource, key));
  }

  /** Evicts what a drain evicts until nothing of it is left or the time is over. @returns whether nothing is left */
  async drain(node: string, withinMs: number): Promise<boolean> {
    const { clock } = this.#ground;
    const untilMs = clock.monotonic() + withinMs;
    for (;;) {
      const left = this.#drainable(node);
      if (left.length === 0) return true;
      if (clock.monotonic() >= untilMs) return false;
      for (const { name, namespace = '', uid = '' } of left) {
        await this.#quietly(() => this.port.evict({ name, namespace }, { uid }));
      }
      await clock.sleep(DRAIN_RETRY_MS);
    }
  }

  #drainable(node: string): KubeObject['metadata'][] {
    return this.#ground.cluster
      .peekAll(Pods)
      .filter(({ metadata, spec, status }) => {
        const isOver = ['Succeeded', 'Failed'].includes(status?.phase ?? '');
        return spec?.nodeName === node && !isOver && isDrained(metadata);
      })
      .map(({ metadata }) => metadata);
  }

  // oxlint-disable-next-line max-params -- what, which, how
  async #change<T extends KubeObject>(
    resource: Resource<T>,
    key: Key,
    change: KeyChange<T>,
  ): Promise<boolean> {
    const { clock, wants } = this.#ground;
    for (let tries = 0; tries < TRIES; tries++) {
      const object = await this.#quietly(() => this.port.get(resource, key));
      if (object === undefined) return false;
      const { uid = '', resourceVersion = '', name } = object.metadata;
      const body = change.patch(object) as { metadata?: object };
      const guarded = { ...body, metadata: { ...body.metadata, uid, resourceVersion } };
      const done = await this.#quietly(() => this.port.patch(resource, key, guarded));
      if (done !== undefined) {
        const { kind, value } = change;
        const found = change.found(object);
        wants.record({
          actor: this.name,
          kind,
          name,
          uid,
          key: change.key,
          value,
          found,
          atMs: clock.monotonic(),
        });
        return found !== value;
      }
      await clock.sleep(RETRY_MS);
    }
    return false;
  }

  /** What the API refuses they shrug off. */
  async #quietly<T>(call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await call();
    } catch (error) {
      if (isKubernetesError(error)) return undefined;
      throw error;
    }
  }
}

const taintsOf = ({ spec }: Node): Taint[] => spec?.taints ?? [];

const isDrained = ({ ownerReferences }: KubeObject['metadata']): boolean =>
  ownerReferences?.some(({ kind }) => kind === 'DaemonSet') !== true;

/** What a merge patch has to say so that a field is as it was: what an object had been given has to be taken away. */
function undoing(old: unknown, given: unknown): unknown {
  if (!isJsonObject(old) || !isJsonObject(given)) return old;
  return { ...Object.fromEntries(Object.keys(given).map((field) => [field, null])), ...old };
}
