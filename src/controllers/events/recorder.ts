/**
 * Records Events (events.k8s.io/v1): what happened, on the object it happened to. Recording never waits and never
 * fails: Events are for people, nothing is decided by them. A queue with a bound and a rate keeps a storm of them away
 * from kube-apiserver; what repeats is one Event with a series.
 */
import { Events } from '../../api/core.ts';
import type { Event } from '../../api/core.ts';
import { rfc3339Micro } from '../../runtime/clock.ts';
import type { Clock } from '../../runtime/clock.ts';
import { errorFields } from '../../runtime/errors.ts';
import { isKubernetesError } from '../../runtime/kubernetes.ts';
import type { KubernetesPort, KubeObject, Resource } from '../../runtime/kubernetes.ts';
import type { Logger } from '../../runtime/log.ts';
import { sleepUnlessAborted } from '../../runtime/timers.ts';

/** The object an Event is about. */
export interface EventSubject {
  apiVersion: string;
  kind: string;
  name: string;
  uid?: string;
  namespace?: string;
}

export interface NewEvent {
  regarding: EventSubject;
  type: 'Normal' | 'Warning';
  /** One word of the list of reasons. */
  reason: string;
  /** What was done or decided, one word. */
  action: string;
  /** For a person; cut at 1,024 characters. */
  note: string;
}

export interface EventRecorderOptions {
  port: KubernetesPort;
  clock: Clock;
  logger: Logger;
  /** Name of this process's pod. */
  instance: string;
  /** Events a second, on average. @default 10 */
  perSecond?: number;
  /** Events at once after a quiet time. @default 50 */
  burst?: number;
  /** Events waiting to be sent; the oldest goes when there is one more. @default 1000 */
  maxQueued?: number;
}

/** `reportingController` of every Event of ours. */
export const REPORTING_CONTROLLER = 'brupop.bottlerocket.aws/controller';
const MAX_NOTE_LENGTH = 1_024;
/** Repeats within this time belong to one series. */
const SERIES_MS = 6 * 60_000;
/** Series remembered; the oldest goes when there is one more. */
const MAX_SERIES = 2_000;

interface Series {
  name: string;
  namespace: string;
  count: number;
  lastMs: number;
}

/** The subject of an Event, from an object and its resource. */
export const subjectOf = (resource: Resource, { metadata }: KubeObject): EventSubject => ({
  apiVersion: resource.group === '' ? resource.version : `${resource.group}/${resource.version}`,
  kind: resource.kind,
  name: metadata.name,
  ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
  ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
});

/** Sends Events while `run` runs. */
export class EventRecorder {
  readonly #options: Required<EventRecorderOptions>;
  readonly #queue: NewEvent[] = [];
  readonly #series = new Map<string, Series>();
  #tokens: number;
  #filledAt: number;
  #serial = 0;
  #dropped = 0;
  #wake: () => void = () => undefined;

  constructor(options: EventRecorderOptions) {
    this.#options = { perSecond: 10, burst: 50, maxQueued: 1_000, ...options };
    this.#tokens = this.#options.burst;
    this.#filledAt = options.clock.monotonic();
  }

  /** Events that were dropped because too many waited. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes an Event to be sent. Returns at once. */
  record(event: NewEvent): void {
    this.#queue.push(event);
    if (this.#queue.length > this.#options.maxQueued) {
      this.#queue.shift();
      this.#dropped++;
    }
    this.#wake();
  }

  /** Sends until the signal aborts; what waits then is dropped. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    while (!signal.aborted) {
      const event = this.#queue.shift();
      if (event === undefined) await this.#arrival();
      else if (await this.#takeToken(signal)) await this.#send(event);
    }
  }

  #arrival(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  async #takeToken(signal: AbortSignal): Promise<boolean> {
    const { clock, perSecond, burst } = this.#options;
    const now = clock.monotonic();
    this.#tokens = Math.min(burst, this.#tokens + ((now - this.#filledAt) * perSecond) / 1_000);
    this.#filledAt = now;
    this.#tokens -= 1;
    if (this.#tokens >= 0) return true;
    return sleepUnlessAborted(clock, (-this.#tokens * 1_000) / perSecond, signal);
  }

  async #send(event: NewEvent): Promise<void> {
    const { logger } = this.#options;
    try {
      if (!(await this.#repeat(event))) await this.#create(event);
    } catch (error) {
      logger.debug('Event was not recorded', {
        ...errorFields(error),
        reason: event.reason,
        name: event.regarding.name,
      });
    }
  }

  /** Counts the Event into its series. @returns false when there is none, or no longer. */
  async #repeat(event: NewEvent): Promise<boolean> {
    const { port, clock } = this.#options;
    const key = seriesKey(event);
    const series = this.#series.get(key);
    const now = clock.now();
    if (series === undefined || now - series.lastMs > SERIES_MS) return false;
    series.count++;
    series.lastMs = now;
    try {
      const body = { series: { count: series.count, lastObservedTime: rfc3339Micro(now) } };
      await port.patch(Events, { name: series.name, namespace: series.namespace }, body);
      return true;
    } catch (error) {
      if (!isKubernetesError(error, 'notFound')) throw error;
      this.#series.delete(key);
      return false;
    }
  }

  async #create(event: NewEvent): Promise<void> {
    const { port, clock, instance } = this.#options;
    const now = clock.now();
    const namespace = event.regarding.namespace ?? 'default';
    const name = `${event.regarding.name.slice(0, 220)}.${now.toString(16)}${(this.#serial++ % 4096).toString(16).padStart(3, '0')}`;
    await port.create(Events, toObject(event, { name, namespace, instance, now }));
    const key = seriesKey(event);
    this.#series.delete(key);
    this.#series.set(key, { name, namespace, count: 1, lastMs: now });
    const oldest = this.#series.keys().next();
    if (this.#series.size > MAX_SERIES && oldest.done !== true) this.#series.delete(oldest.value);
  }
}

const seriesKey = ({ regarding, type, reason, action, note }: NewEvent): string =>
  JSON.stringify([
    regarding.kind,
    regarding.namespace,
    regarding.name,
    regarding.uid,
    type,
    reason,
    action,
    note,
  ]);

function toObject(
  event: NewEvent,
  by: { name: string; namespace: string; instance: string; now: number },
): Event {
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: by.name, namespace: by.namespace },
    eventTime: rfc3339Micro(by.now),
    reportingController: REPORTING_CONTROLLER,
    reportingInstance: by.instance.slice(0, 128),
    action: event.action,
    reason: event.reason,
    note: cut(event.note),
    type: event.type,
    regarding: event.regarding,
  };
}

const cut = (note: string): string =>
  note.length <= MAX_NOTE_LENGTH ? note : `${note.slice(0, MAX_NOTE_LENGTH - 1)}…`;
