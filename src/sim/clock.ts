/**
 * Virtual time. Nothing moves until a test says so; then timers fire one by one in the order of (instant, order of
 * creation), and all promise work that one timer sets free is done before the next. So a whole system run on it is
 * a function of its seed.
 */
import type { Clock } from '../runtime/clock.ts';

/** 2026-01-01T00:00:00Z. */
const DEFAULT_START_MS = 1_767_225_600_000;

export interface VirtualClockOptions {
  /** Wall clock at the start, milliseconds since the epoch. @default 2026-01-01T00:00:00Z */
  startMs?: number;
}

/** Something that happens at an instant of a VirtualClock. */
export interface Timer {
  /** It will not happen. Without effect when it has. */
  cancel(): void;
}

interface Entry {
  readonly atMs: number;
  readonly sequence: number;
  fire: (() => void) | undefined;
}

/** What one process sees of the time: its own wall clock, which may be wrong, over the common monotonic time. */
export class ClockView implements Clock {
  readonly #world: VirtualClock;
  #skewMs: number;
  #halted = false;

  constructor(world: VirtualClock, skewMs: number) {
    this.#world = world;
    this.#skewMs = skewMs;
  }

  /** How far this wall clock is ahead of the world's, in milliseconds. */
  get skewMs(): number {
    return this.#skewMs;
  }

  now(): number {
    return this.#world.now() + this.#skewMs;
  }

  monotonic(): number {
    return this.#world.monotonic();
  }

  /** Never settles once the view is halted: a dead process does not even learn that it was aborted. */
  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    try {
      await this.#world.sleep(ms, signal);
    } finally {
      if (this.#halted) await new Promise(() => undefined);
    }
  }

  /** Moves this wall clock by `ms`, forward or back; monotonic time and sleepers do not notice. */
  jump(ms: number): void {
    this.#skewMs += ms;
  }

  /** Nobody who sleeps on this view wakes again: the process that owned it has died. */
  halt(): void {
    this.#halted = true;
  }
}

/** See the head of this file. */
export class VirtualClock implements Clock {
  #monotonicMs = 0;
  #wallMs: number;
  #sequence = 0;
  readonly #timers = new TimerHeap();
  #running = false;

  constructor(options: VirtualClockOptions = {}) {
    this.#wallMs = options.startMs ?? DEFAULT_START_MS;
  }

  now(): number {
    return this.#wallMs + this.#monotonicMs;
  }

  monotonic(): number {
    return this.#monotonicMs;
  }

  /** As a real timer: whole milliseconds and at least one, so that a loop of `sleep(0)` cannot stop time. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const onAbort = (): void => {
        timer.cancel();
        reject(signal?.reason as Error);
      };
      const timer = this.after(ms, () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      });
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Calls `fire` once, `ms` from now, rounded as for `sleep`. */
  after(ms: number, fire: () => void): Timer {
    const entry: Entry = {
      atMs: this.#monotonicMs + Math.max(1, Math.ceil(ms)),
      sequence: this.#sequence++,
      fire,
    };
    this.#timers.push(entry);
    return {
      cancel: () => {
        entry.fire = undefined;
      },
    };
  }

  /** Moves the wall clock by `ms`, forward or back; monotonic time and timers do not notice. */
  jump(ms: number): void {
    this.#wallMs += ms;
  }

  /** A view whose wall clock is `ms` ahead of this one (negative: behind). */
  skewed(ms: number): ClockView {
    return new ClockView(this, ms);
  }

  /** Timers that wait; none is cancelled. */
  get pending(): number {
    return this.#timers.live;
  }

  /** Lets `ms` milliseconds pass, firing what falls due. */
  async advance(ms: number): Promise<void> {
    await this.run(this.#monotonicMs + ms);
  }

  /** Lets time pass until the monotonic clock says `untilMs`, firing what falls due, that instant included. */
  async run(untilMs: number): Promise<void> {
    await this.#drive(untilMs, () => false);
    this.#monotonicMs = Math.max(this.#monotonicMs, untilMs);
  }

  /**
   * Lets time pass until `done()` holds, asked after every timer, and for `limitMs` at the most.
   * @returns whether it came to hold.
   */
  async runUntil(done: () => boolean, limitMs: number): Promise<boolean> {
    const untilMs = this.#monotonicMs + limitMs;
    if (await this.#drive(untilMs, done)) return true;
    this.#monotonicMs = Math.max(this.#monotonicMs, untilMs);
    return done();
  }

  /** Does all promise work that can be done without time passing. */
  settle(): Promise<void> {
    // The event loop empties the microtask queue, however long, before it gets to an immediate.
    return new Promise((resolve) => {
      setImmediate(resolve);
    });
  }

  async #drive(untilMs: number, done: () => boolean): Promise<boolean> {
    if (this.#running) throw new Error('The clock is already running: only one may drive it');
    this.#running = true;
    try {
      await this.settle();
      while (!done()) {
        const next = this.#timers.popDue(untilMs);
        if (next === undefined) return false;
        this.#monotonicMs = next.atMs;
        next.fire?.();
        await this.settle();
      }
      return true;
    } finally {
      this.#running = false;
    }
  }
}

/** A binary heap; cancelled entries stay in it until they come up. */
class TimerHeap {
  readonly #entries: Entry[] = [];

  get live(): number {
    return this.#entries.filter((entry) => entry.fire !== undefined).length;
  }

  push(entry: Entry): void {
    const entries = this.#entries;
    let child = entries.length;
    entries.push(entry);
    while (child > 0) {
      const parent = (child - 1) >> 1;
      const above = entries[parent] as Entry;
      if (!before(entry, above)) break;
      entries[child] = above;
      child = parent;
    }
    entries[child] = entry;
  }

  /** The first entry that is due at `untilMs` and not cancelled. */
  popDue(untilMs: number): Entry | undefined {
    for (;;) {
      const first = this.#entries[0];
      if (first === undefined || (first.fire !== undefined && first.atMs > untilMs)) return undefined;
      this.#removeFirst();
      if (first.fire !== undefined) return first;
    }
  }

  #removeFirst(): void {
    const entries = this.#entries;
    const last = entries.pop();
    if (last === undefined || entries.length === 0) return;
    let hole = 0;
    for (;;) {
      const child = this.#smallerChild(hole);
      const below = entries[child];
      if (below === undefined || !before(below, last)) break;
      entries[hole] = below;
      hole = child;
    }
    entries[hole] = last;
  }

  #smallerChild(parent: number): number {
    const left = 2 * parent + 1;
    const [a, b] = [this.#entries[left], this.#entries[left + 1]];
    return a !== undefined && b !== undefined && before(b, a) ? left + 1 : left;
  }
}

const before = (a: Entry, b: Entry): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence);
