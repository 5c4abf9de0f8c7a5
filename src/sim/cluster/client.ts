/** The Kubernetes port of one actor of a simulation: its own latency, faults, rights, clock and death. */
import { Pods } from '../../api/core.ts';
import type { Clock } from '../../runtime/clock.ts';
import {
  type DeleteOptions,
  type EvictOptions,
  type Key,
  type KubeObject,
  KubernetesError,
  type KubernetesPort,
  type List,
  type ListOptions,
  type PatchOptions,
  type Resource,
  type ReviewedToken,
  type WatchEvent,
  type WatchOptions,
} from '../../runtime/kubernetes.ts';
import type { VirtualClock } from '../clock.ts';
import { type Access, type Call, type Fault, isWrite, type Latency, type Route } from './call.ts';
import { qualified, refusal } from './errors.ts';
import { SlowRefusal } from './evict.ts';
import { copyJson } from './json.ts';
import type { EventLog } from './log.ts';
import { storageKey } from './object.ts';
import type { Operations } from './operations.ts';
import { WatchStream } from './stream.ts';

export interface ClientOptions {
  /** For the log, and for the cluster's other knowledge of who is who. */
  name: string;
  /** The actor's clock. @default the cluster's */
  clock?: Clock;
  /** What the actor may do. @default everything */
  access?: Access;
  /** Asked for every call. @default no faults */
  faults?: (call: Call) => Fault | undefined;
  /** @default 1 ms each way */
  latency?: (call: Call) => Latency;
  /** The network on the way. @default never in the way */
  route?: Route;
  /** How much later than others an event of this watch arrives, asked for every event. @default not at all */
  watchDelayMs?: (call: Call) => number;
  /** How long the actor waits for answers. @default those of the real client: 4 s, 10 s, 30 s */
  limits?: { writeMs: number; getMs: number; listMs: number };
}

/** What all clients of a cluster share. */
export interface Wire {
  operations: Operations;
  clock: VirtualClock;
  log: EventLog;
  /** Runs an operation on behalf of a client. */
  as<T>(client: string, operation: () => T): T;
  /** How long the server keeps a watch open that names no limit. */
  watchTimeoutMs(): number;
}

const LIMITS = { writeMs: 4_000, getMs: 10_000, listMs: 30_000 };
const LATENCY: Latency = { requestMs: 1, responseMs: 1 };
const TOKEN_REVIEWS = { group: 'authentication.k8s.io', plural: 'tokenreviews' };

type CallParts = Omit<Call, 'client' | 'sequence'>;
type ServerAnswer<T> = { value: T; afterMs: number } | { error: KubernetesError; afterMs: number };

const connectionReset = (): KubernetesError => new KubernetesError('unknown', 'The connection was reset');

/** See the head of this file. */
export class SimClient implements KubernetesPort {
  readonly name: string;
  /** Faults to come; may be exchanged at any time. */
  faults: ((call: Call) => Fault | undefined) | undefined;
  readonly #wire: Wire;
  readonly #options: ClientOptions;
  readonly #streams = new Set<WatchStream>();
  #sequence = 0;
  /** The server's clock less our monotonic one, at the last answer. */
  #serverAheadMs: number | undefined;
  #crashed = false;

  constructor(wire: Wire, options: ClientOptions) {
    this.#wire = wire;
    this.#options = options;
    this.name = options.name;
    this.faults = options.faults;
  }

  /** How many calls were made. */
  get calls(): number {
    return this.#sequence;
  }

  /**
   * The actor dies: no call of it is ever answered again, those under way included. What it has sent arrives all the
   * same.
   */
  crash(): void {
    this.#crashed = true;
    for (const stream of this.#streams) stream.close();
  }

  /** Breaks the open watches, with an error or quietly. */
  cutWatches(error?: KubernetesError): void {
    for (const stream of this.#streams) stream.cut(error);
  }

  get<T extends KubeObject>(resource: Resource<T>, key: Key): Promise<T> {
    return this.#call({ verb: 'get', resource, key }, (operations) => operations.get(resource, key) as T);
  }

  list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<List<T>> {
    return this.#call(
      { verb: 'list', resource, key: namespaceKey(options.namespace) },
      (operations) => operations.list(resource, options) as List<T>,
    );
  }

  async *watch<T extends KubeObject>(
    resource: Resource<T>,
    options: WatchOptions,
  ): AsyncGenerator<WatchEvent<T>> {
    const { signal, timeoutSeconds, onOpen } = options;
    const timeoutMs = timeoutSeconds === undefined ? this.#wire.watchTimeoutMs() : timeoutSeconds * 1000;
    const call = this.#begin({ verb: 'watch', resource, key: namespaceKey(options.namespace) });
    const fault = this.faults?.(call) ?? {};
    const stream = new WatchStream({
      clock: this.#wire.clock,
      fault,
      delayMs: () => this.#latency(call).responseMs + (this.#options.watchDelayMs?.(call) ?? 0),
      ...(this.#options.route === undefined ? {} : { route: this.#options.route }),
      signal,
    });
    this.#streams.add(stream);
    try {
      const opened = this.#exchange(call, fault, (operations) => {
        stream.onClose(operations.watch(resource, { ...options, timeoutMs }, stream));
      });
      await this.#alive(Promise.race([opened, stream.closed]));
      onOpen?.();
      for (;;) {
        const event = await this.#alive(stream.next());
        if (event === undefined) return;
        yield event as WatchEvent<T>;
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      stream.close();
      this.#streams.delete(stream);
    }
  }

  create<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options: { dryRun?: boolean } = {},
  ): Promise<T> {
    const { name, namespace } = object.metadata;
    if (resource.namespaced && (namespace ?? '') === '')
      throw new TypeError(`The namespace of ${resource.kind} ${name} is missing`);
    const body = copyJson(object);
    return this.#call(
      { verb: 'create', resource, key: { name, ...namespaceKey(namespace) }, body },
      (operations) => operations.create(resource, body, options.dryRun === true) as T,
    );
  }

  // oxlint-disable-next-line max-params -- the port's signature
  patch<T extends KubeObject>(
    resource: Resource<T>,
    key: Key,
    body: object,
    options: PatchOptions = {},
  ): Promise<T> {
    const { subresource } = options;
    const sent = copyJson(body);
    return this.#call(
      { verb: 'patch', resource, key, body: sent, ...(subresource !== undefined && { subresource }) },
      (operations) => operations.patch(resource, { key, body: sent, ...options }) as T,
    );
  }

  delete<T extends KubeObject>(resource: Resource<T>, key: Key, options: DeleteOptions = {}): Promise<void> {
    return this.#call({ verb: 'delete', resource, key }, (operations) =>
      operations.delete(resource, key, options),
    );
  }

  evict(pod: Required<Key>, options: EvictOptions): Promise<void> {
    return this.#call({ verb: 'create', resource: Pods, subresource: 'eviction', key: pod }, (operations) =>
      operations.evict({ pod, options }),
    );
  }

  reviewToken(token: string, audiences: string[]): Promise<ReviewedToken> {
    return this.#call({ verb: 'create', resource: TOKEN_REVIEWS, key: {} }, (operations) =>
      operations.review(token, audiences),
    );
  }

  clockSkewMs(): number | undefined {
    if (this.#serverAheadMs === undefined) return undefined;
    const { clock } = this.#options;
    return this.#serverAheadMs + this.#wire.clock.monotonic() - (clock ?? this.#wire.clock).now();
  }

  #begin(parts: CallParts): Call {
    this.#sequence++;
    return { ...parts, client: this.name, sequence: this.#sequence };
  }

  #call<T>(parts: CallParts, operation: (operations: Operations) => T): Promise<T> {
    const call = this.#begin(parts);
    return this.#alive(this.#exchange(call, this.faults?.(call) ?? {}, operation));
  }

  /** A dead actor waits for ever. */
  async #alive<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } finally {
      if (this.#crashed) await new Promise(() => undefined);
    }
  }

  /** Request, operation, answer; the caller gives up at its limit, the request goes on. */
  async #exchange<T>(call: Call, fault: Fault, operation: (operations: Operations) => T): Promise<T> {
    const { clock } = this.#wire;
    const { route } = this.#options;
    const latency = this.#latency(call);
    const requestMs = latency.requestMs + (fault.requestDelayMs ?? 0);
    const endMs = clock.monotonic() + this.#limitMs(call);
    if (this.#crashed) await new Promise(() => undefined);
    const held = route?.there();
    let answer: ServerAnswer<T>;
    if (held === undefined && clock.monotonic() + requestMs <= endMs) {
      await clock.sleep(requestMs);
      answer = this.#carryOut(call, fault, operation);
    } else {
      const carried = this.#passed(held, requestMs).then(() => this.#carryOut(call, fault, operation));
      answer = await this.#until(endMs, call, carried);
    }
    const answerMs = latency.responseMs + (fault.responseDelayMs ?? 0) + answer.afterMs;
    const heldBack = route?.back();
    if (heldBack === undefined && clock.monotonic() + answerMs <= endMs) await clock.sleep(answerMs);
    else await this.#until(endMs, call, this.#passed(heldBack, answerMs));
    if (fault.loseRequest === true || fault.loseResponse === true) throw connectionReset();
    this.#serverAheadMs = clock.now() - clock.monotonic();
    if ('error' in answer) throw answer.error;
    return answer.value;
  }

  /** Resolves when what is sent now has arrived. @throws KubernetesError unknown */
  async #passed(held: Promise<void> | undefined, afterMs: number): Promise<void> {
    await held?.catch(() => {
      throw connectionReset();
    });
    await this.#wire.clock.sleep(afterMs);
  }

  /** What the work comes to. @throws KubernetesError unknown when it takes longer than the caller waits */
  async #until<T>(endMs: number, { verb, resource }: Call, work: Promise<T>): Promise<T> {
    const { clock } = this.#wire;
    const end = Promise.withResolvers<never>();
    const timer = clock.after(endMs - clock.monotonic(), () =>
      end.reject(new KubernetesError('unknown', `No answer to ${verb} ${resource.plural} in time`)),
    );
    try {
      return await Promise.race([work, end.promise]);
    } finally {
      timer.cancel();
    }
  }

  /** What the server does when the request arrives. */
  #carryOut<T>(call: Call, fault: Fault, operation: (operations: Operations) => T): ServerAnswer<T> {
    if (fault.loseRequest === true) {
      this.#note(call, 'lost');
      return { error: connectionReset(), afterMs: 0 };
    }
    try {
      if (fault.error !== undefined) throw fault.error;
      this.#authorize(call);
      const value = this.#wire.as(this.name, () => operation(this.#wire.operations));
      this.#note(call, 'ok');
      return { value, afterMs: 0 };
    } catch (error) {
      const [refused, afterMs] = error instanceof SlowRefusal ? [error.refusal, error.afterMs] : [error, 0];
      if (!(refused instanceof KubernetesError)) throw error;
      this.#note(call, `${refused.code} ${refused.message}`);
      return { error: refused, afterMs };
    }
  }

  #authorize(call: Call): void {
    const { access } = this.#options;
    if (access === undefined || access(call)) return;
    const { verb, resource, subresource, key } = call;
    const what = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;
    const where =
      key.namespace === undefined ? 'at the cluster scope' : `in the namespace "${key.namespace}"`;
    throw refusal(
      'forbidden',
      `${qualified({ version: '', kind: '', namespaced: false, ...resource })} "${key.name ?? ''}" is forbidden: User "${this.name}" cannot ${verb} resource "${what}" in API group "${resource.group}" ${where}`,
    );
  }

  #note({ verb, resource, subresource, key, sequence }: Call, result: string): void {
    const target = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;
    const name = storageKey({ ...key, name: key.name ?? '*' });
    this.#wire.log.add(this.name, verb, { what: `${target}/${name}`, sequence, result });
  }

  #latency(call: Call): Latency {
    return this.#options.latency?.(call) ?? LATENCY;
  }

  #limitMs(call: Call): number {
    const { writeMs, getMs, listMs } = this.#options.limits ?? LIMITS;
    if (isWrite(call)) return writeMs;
    return call.verb === 'list' || call.verb === 'watch' ? listMs : getMs;
  }
}

const namespaceKey = (namespace: string | undefined): { namespace?: string } =>
  namespace === undefined || namespace === '' ? {} : { namespace };
