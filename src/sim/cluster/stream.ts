/** One open watch on its way from the server to a client: in order, a little late, and it may break. */
import type { KubernetesError } from '../../runtime/kubernetes.ts';
import { KubernetesError as PortError } from '../../runtime/kubernetes.ts';
import type { VirtualClock } from '../clock.ts';
import type { Fault, Route } from './call.ts';
import type { Event, Sink } from './watch.ts';

export interface WatchStreamOptions {
  clock: VirtualClock;
  fault: Fault;
  /** How long an event that is sent now is under way. */
  delayMs: () => number;
  /** The network on the way. @default never in the way */
  route?: Pick<Route, 'back'>;
  signal: AbortSignal;
}

type Item = { atMs: number; event: Event } | { atMs: number; end: KubernetesError | undefined };

export class WatchStream implements Sink {
  readonly #options: WatchStreamOptions;
  readonly #items: Item[] = [];
  #wake: (() => void) | undefined;
  #closeSource: (() => void) | undefined;
  #closed = false;
  #stalled = false;
  readonly #onAbort = (): void => this.close();
  readonly #closing = Promise.withResolvers<void>();
  /** Events arrive in the order they were sent in. */
  #lastArrivalMs = 0;

  constructor(options: WatchStreamOptions) {
    this.#options = options;
    const { clock, fault, signal } = options;
    if (signal.aborted) this.close();
    else signal.addEventListener('abort', this.#onAbort, { once: true });
    if (fault.cutAfterMs !== undefined) clock.after(fault.cutAfterMs, () => this.cut(fault.cutError));
    if (fault.stallAfterMs !== undefined) clock.after(fault.stallAfterMs, () => this.#stall());
  }

  /** What ends the watch at the server. Called at once when the stream is closed already. */
  onClose(closeSource: () => void): void {
    this.#closeSource = closeSource;
    if (this.#closed) closeSource();
  }

  event(event: Event): void {
    if (!this.#stalled) this.#push({ atMs: this.#arrivalMs(), event });
  }

  end(): void {
    if (!this.#stalled) this.#push({ atMs: this.#arrivalMs(), end: undefined });
  }

  /** Breaks now; events under way are lost. */
  cut(error?: KubernetesError): void {
    this.#items.length = 0;
    this.#push({
      atMs: this.#options.clock.monotonic(),
      end: error ?? new PortError('unknown', 'The connection was reset'),
    });
    this.#closeSource?.();
  }

  /** The next event; undefined when the watch has ended. @throws KubernetesError when it broke */
  async next(): Promise<Event | undefined> {
    const { clock } = this.#options;
    for (;;) {
      if (this.#closed) return undefined;
      const item = this.#items[0];
      const waitMs = item === undefined ? undefined : item.atMs - clock.monotonic();
      if (item === undefined || waitMs === undefined || waitMs > 0) {
        await this.#woken(waitMs);
        continue;
      }
      if (!(await this.#arrives())) continue;
      this.#items.shift();
      if ('event' in item) return item.event;
      this.close();
      if (item.end !== undefined) throw item.end;
    }
  }

  /** Resolves when it is closed, by the signal or for any other reason. */
  get closed(): Promise<void> {
    return this.#closing.promise;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing.resolve();
    this.#options.signal.removeEventListener('abort', this.#onAbort);
    this.#closeSource?.();
    this.#wake?.();
  }

  /** @returns whether what is sent now arrives: the watch may end, or its connection break, before it does */
  async #arrives(): Promise<boolean> {
    const held = this.#options.route?.back();
    if (held === undefined) return true;
    const first = this.#items[0];
    const broken = await Promise.race([held, this.#closing.promise]).then(
      () => false,
      () => true,
    );
    if (broken) this.cut();
    return !this.#closed && this.#items[0] === first;
  }

  #arrivalMs(): number {
    const { clock, delayMs } = this.#options;
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, clock.monotonic() + delayMs());
    return this.#lastArrivalMs;
  }

  #stall(): void {
    this.#stalled = true;
    this.#items.length = 0;
  }

  #push(item: Item): void {
    this.#items.push(item);
    // With items before it, somebody is awake or waits for the first of them.
    if (this.#items.length === 1) this.#wake?.();
  }

  #woken(waitMs: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = waitMs === undefined ? undefined : this.#options.clock.after(waitMs, resolve);
      this.#wake = () => {
        timer?.cancel();
        resolve();
      };
    });
  }
}
