/** One of the two clusters: carries calls out, remembers what it has shown, and answers in plain data. */
import {
  KubernetesError,
  type KubeObject,
  type KubernetesPort,
  type List,
  type Resource,
} from '../../src/runtime/kubernetes.ts';
import { type Call, resourceOf, type Target, type Version } from './call.ts';
import { withoutAdditions } from './defaults.ts';
import { FollowedWatch } from './followedwatch.ts';

export interface SideOptions {
  port: KubernetesPort;
  /** Where everything with a namespace lies; also the prefix of all other names. */
  namespace: string;
  /** Lets a call come to its end. */
  settle: <T>(call: Promise<T>) => Promise<T>;
  /** Waits until `done` holds, or long enough to know that it never will. */
  waitUntil: (done: () => boolean) => Promise<void>;
  /** Lets the controllers come to rest. */
  rest: () => Promise<void>;
}

/** What a call came to. */
export type Answer = { value: unknown } | { error: ErrorAnswer };

export interface ErrorAnswer {
  code: string;
  status: number;
  message: string;
  causes: { reason?: string; message?: string; field?: string }[];
  retryAfterMs?: number;
}

/** Calls that need something which has not been shown yet are left out, on both sides. */
export const LEFT_OUT: Answer = { value: 'left out' };

/** Put into every namespace where controllers run. */
const ROOT_CA = 'kube-root-ca.crt';

const isClusterWide = (on: { kind: Target['kind'] }): boolean => !resourceOf(on.kind).namespaced;

/** See the head of this file. */
export class Side {
  readonly #options: SideOptions;
  readonly #versions = new Map<string, string[]>();
  readonly #uids = new Map<string, string>();
  readonly #lists = new Map<string, { resourceVersion: string; continue?: string }>();
  readonly #watches = new Map<string, FollowedWatch>();
  readonly #generated = new Map<string, string>();

  constructor(options: SideOptions) {
    this.#options = options;
  }

  /** @param like what the other side answered: a watch is given the time to show as much. */
  async carryOut(call: Call, like?: Answer): Promise<Answer> {
    try {
      return await this.#value(call, like);
    } catch (error) {
      if (!(error instanceof KubernetesError)) throw error;
      const { code, status, message, causes, retryAfterMs } = error;
      return {
        error: { code, status, message, causes, ...(retryAfterMs !== undefined && { retryAfterMs }) },
      };
    }
  }

  async stop(): Promise<void> {
    for (const watch of this.#watches.values()) await this.#options.settle(watch.stop());
  }

  async #value(call: Call, like: Answer | undefined): Promise<Answer> {
    const { port, settle } = this.#options;
    switch (call.verb) {
      case 'create':
        return this.#create(call);
      case 'get':
        return this.#shown(call.on, await settle(port.get(resourceOf(call.on.kind), this.#key(call.on))));
      case 'list':
        return this.#list(
          call,
          call.version === undefined ? {} : { resourceVersion: this.#listVersion(call) },
        );
      case 'page':
        return this.#page(call);
      case 'patch':
        return this.#patch(call);
      case 'delete':
        return this.#delete(call);
      case 'evict':
        return this.#evict(call);
      case 'watch':
        return this.#watch(call);
      case 'look':
        return this.#look(call.id, like);
      case 'review':
        return { value: await settle(port.reviewToken(call.token, ['differential'])) };
      case 'settle':
        await this.#options.rest();
        return { value: null };
    }
  }

  async #create({
    on,
    body,
    dryRun = false,
    generated = false,
  }: Extract<Call, { verb: 'create' }>): Promise<Answer> {
    const resource = resourceOf(on.kind);
    const { metadata = {}, ...rest } = this.#resolved(body) as { metadata?: object };
    const key = this.#key(on);
    const named = generated ? { ...key, name: '', generateName: `${key.name}-` } : key;
    const object = { ...rest, metadata: { ...metadata, ...named } } as KubeObject;
    const created = await this.#options.settle(this.#options.port.create(resource, object, { dryRun }));
    if (generated) this.#generated.set(created.metadata.name, `${key.name}-<generated>`);
    return dryRun || generated ? { value: this.#plain(on, created) } : this.#shown(on, created);
  }

  async #patch(call: Extract<Call, { verb: 'patch' }>): Promise<Answer> {
    const { on, version, status = false, dryRun = false } = call;
    const body = this.#withVersion(this.#resolved(call.body) as Record<string, unknown>, on, version);
    const options = { dryRun, ...(status && { subresource: 'status' as const }) };
    const { port, settle } = this.#options;
    const patched = await settle(port.patch(resourceOf(on.kind), this.#key(on), body, options));
    return dryRun ? { value: this.#plain(on, patched) } : this.#shown(on, patched);
  }

  #withVersion(body: Record<string, unknown>, on: Target, version: Version | undefined): object {
    if (version === undefined) return body;
    const { metadata } = body;
    if (
      metadata !== undefined &&
      (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata))
    )
      return body;
    return { ...body, metadata: { ...metadata, resourceVersion: this.#versionOf(on, version) } };
  }

  async #delete(call: Extract<Call, { verb: 'delete' }>): Promise<Answer> {
    const { on, uid, version, graceSeconds, propagation } = call;
    const resourceVersion = version === undefined ? undefined : (this.#versionOf(on, version) ?? undefined);
    await this.#options.settle(
      this.#options.port.delete(resourceOf(on.kind), this.#key(on), {
        ...(uid !== undefined && { uid: this.#uidOf(uid, on) }),
        ...(resourceVersion !== undefined && { resourceVersion }),
        ...(graceSeconds !== undefined && { gracePeriodSeconds: graceSeconds }),
        ...(propagation !== undefined && { propagationPolicy: propagation }),
      }),
    );
    return { value: null };
  }

  async #evict({
    name,
    uid,
    graceSeconds,
    dryRun = false,
  }: Extract<Call, { verb: 'evict' }>): Promise<Answer> {
    const on: Target = { kind: 'pods', name };
    const options = {
      uid: this.#uidOf(uid, on),
      dryRun,
      ...(graceSeconds !== undefined && { gracePeriodSeconds: graceSeconds }),
    };
    const { port, settle, namespace } = this.#options;
    await settle(port.evict({ name, namespace }, options));
    return { value: null };
  }

  async #list(
    { kind, select, limit }: { kind: Target['kind']; select: object; limit?: number },
    more: { resourceVersion?: string; continue?: string } = {},
  ): Promise<Answer> {
    const { port, settle } = this.#options;
    const resource = resourceOf(kind);
    const options = { ...this.#scope(resource), ...select, ...(limit !== undefined && { limit }), ...more };
    const list = await settle(port.list(resource, options));
    // What a cache holds may be old.
    if (more.resourceVersion !== undefined) return { value: 'a list of a cache' };
    this.#lists.set(kind, list);
    const items = this.#ofStory(resource, list);
    for (const item of items) this.#remember({ kind, name: this.#shortName(resource, item) }, item);
    return {
      value: {
        items: items.map((item) => this.#plain({ kind }, item)),
        hasMore: list.continue !== undefined,
      },
    };
  }

  async #page(call: Extract<Call, { verb: 'page' }>): Promise<Answer> {
    const last = this.#lists.get(call.kind)?.continue;
    return last === undefined ? LEFT_OUT : this.#list(call, { continue: last });
  }

  #listVersion({ kind, version = '' }: Extract<Call, { verb: 'list' }>): string {
    return version === '$latest' ? (this.#lists.get(kind)?.resourceVersion ?? '0') : version;
  }

  async #watch({ id, kind, select, from }: Extract<Call, { verb: 'watch' }>): Promise<Answer> {
    const resource = resourceOf(kind);
    const before = this.#watches.get(id);
    const position = from === '$resume' ? before?.position : from;
    if (position === undefined || (from === '$resume' && before?.kind !== kind)) return LEFT_OUT;
    const { port, settle } = this.#options;
    if (before !== undefined) await settle(before.stop());
    this.#watches.delete(id);
    const resourceVersion =
      position === '$list'
        ? (await settle(port.list(resource, { ...this.#scope(resource), limit: 1 }))).resourceVersion
        : position;
    const watch = new FollowedWatch({
      port,
      kind,
      resource,
      selection: { ...this.#scope(resource), ...select },
      resourceVersion,
    });
    this.#watches.set(id, watch);
    await settle(watch.opened);
    return { value: null };
  }

  async #look(id: string, like: Answer | undefined): Promise<Answer> {
    const watch = this.#watches.get(id);
    if (watch === undefined) return LEFT_OUT;
    const resource = resourceOf(watch.kind);
    const ofStory = () =>
      watch.events.filter(({ object }) => this.#ofStory(resource, { items: [object] }).length > 0);
    const wanted =
      like !== undefined && 'value' in like
        ? (like.value as { events?: unknown[] }).events?.length
        : undefined;
    await this.#options.waitUntil(
      () => watch.error !== undefined || (wanted !== undefined && ofStory().length >= wanted),
    );
    if (watch.error !== undefined) throw watch.error;
    return {
      value: { events: ofStory().map(({ type, object }) => ({ type, object: this.#plain(watch, object) })) },
    };
  }

  /** Everything of the kinds, in the order of lists. */
  async everything(kinds: readonly Target['kind'][]): Promise<Answer> {
    const lists: Record<string, unknown> = {};
    for (const kind of kinds) {
      const answer = await this.#list({ kind, select: {} });
      lists[kind] = 'value' in answer ? (answer.value as { items: unknown }).items : answer;
    }
    return { value: lists };
  }

  #scope({ namespaced }: Resource): { namespace?: string } {
    return namespaced ? { namespace: this.#options.namespace } : {};
  }

  /** Without what every namespace has; of objects without a namespace only those of this story: others share the cluster. */
  #ofStory(resource: Resource, { items }: Pick<List<KubeObject>, 'items'>): KubeObject[] {
    if (resource.namespaced) return items.filter(({ metadata }) => metadata.name !== ROOT_CA);
    return items.filter(({ metadata }) => metadata.name.startsWith(`${this.#options.namespace}-`));
  }

  #key(on: Target): { name: string; namespace?: string } {
    const { namespace } = this.#options;
    return isClusterWide(on) ? { name: `${namespace}-${on.name}` } : { name: on.name, namespace };
  }

  #shortName({ namespaced }: Resource, { metadata: { name } }: KubeObject): string {
    return namespaced ? name : name.slice(this.#options.namespace.length + 1);
  }

  #shown(on: Target, object: KubeObject): Answer {
    this.#remember(on, object);
    return { value: this.#plain(on, object) };
  }

  #remember({ kind, name }: Target, { metadata }: KubeObject): void {
    const id = `${kind}/${name}`;
    const { uid, resourceVersion } = metadata;
    if (uid !== undefined) this.#uids.set(id, uid);
    if (resourceVersion !== undefined)
      this.#versions.set(id, [...(this.#versions.get(id) ?? []), resourceVersion]);
  }

  #versionOf({ kind, name }: Target, version: Version): string | null {
    const seen = this.#versions.get(`${kind}/${name}`) ?? [];
    if (version === '$latest') return seen.at(-1) ?? '1';
    if (version === '$first') return seen[0] ?? '1';
    return version === '$null' ? null : version;
  }

  #uidOf(text: string, on: Target): string {
    if (text === '$uid') return this.#uids.get(`${on.kind}/${on.name}`) ?? 'unknown';
    return this.#resolved(text) as string;
  }

  /** With what "$" stands for. */
  #resolved(value: unknown): unknown {
    if (typeof value === 'string') {
      if (value === '$namespace') return this.#options.namespace;
      return value.startsWith('$uid:')
        ? (this.#uids.get(value.slice('$uid:'.length)) ?? 'unknown')
        : value.toWellFormed();
    }
    if (Array.isArray(value)) return value.map((item) => this.#resolved(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#resolved(item)]));
  }

  #plain({ kind }: { kind: Target['kind'] }, object: KubeObject): unknown {
    return this.#neutral(withoutAdditions(object, resourceOf(kind).kind));
  }

  /** With a word for each name that the server made up. */
  #neutral(value: unknown): unknown {
    if (typeof value === 'string') return this.#generated.get(value) ?? value;
    if (Array.isArray(value)) return value.map((item) => this.#neutral(item));
    if (typeof value !== 'object' || value === null || this.#generated.size === 0) return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#neutral(item)]));
  }
}
