/**
 * All open streams of this replica. One event of the reflector is serialised once and goes to the streams of its
 * node; one wheel gives every stream its heartbeat and ends those whose time is over. No stream has a timer.
 */
import { HEARTBEAT_INTERVAL_MS } from '../../api/wire.ts';
import { shadowName } from '../../api/names.ts';
import type { BottlerocketShadow } from '../../api/v2/bottlerocketshadow.ts';
import type { Clock, Random } from '../../runtime/clock.ts';
import { rfc3339 } from '../../runtime/clock.ts';
import { sleepUnlessAborted } from '../../runtime/timers.ts';
import type { Identity } from '../auth/identity.ts';
import { owns } from '../ownership.ts';
import { toLine, toWire } from '../wireshadow.ts';
import type { Sink, StreamEnd } from './stream.ts';
import { AgentStream } from './stream.ts';

/** The wheel turns one notch each second, and round once in the interval of heartbeats. */
const TICK_MS = 1000;
const BUCKETS = HEARTBEAT_INTERVAL_MS / TICK_MS;
/** A reader that has not read for so long is gone. */
const STALL_MS = 60_000;
/** A wheel that has not turned for so long is stuck. */
const STUCK_MS = 30_000;
/** Streams of one pod; a further one ends the oldest, which the agent has forgotten. */
const STREAMS_PER_POD = 2;
/** Notch of the drain. */
const DRAIN_TICK_MS = 50;

const GONE = toLine({ type: 'GONE' });

export interface StreamHubOptions {
  clock: Clock;
  /** Called when a stream has ended. */
  onEnd?: (why: StreamEnd) => void;
}

/** See the head of this file. */
export class StreamHub {
  readonly #clock: Clock;
  readonly #onEnd: (why: StreamEnd) => void;
  /** An array of one is a third of a Set of one, and there are ten thousand of them. */
  readonly #byShadow = new Map<string, readonly AgentStream[]>();
  readonly #buckets: Set<AgentStream>[] = Array.from({ length: BUCKETS }, () => new Set());
  #opened = 0;
  #size = 0;
  #tick = 0;
  #turnedAtMs: number | undefined;

  constructor(options: StreamHubOptions) {
    this.#clock = options.clock;
    this.#onEnd = options.onEnd ?? (() => undefined);
  }

  /** Open streams. */
  get size(): number {
    return this.#size;
  }

  /**
   * Opens a stream and writes its first line: the present shadow, or a heartbeat when there is none.
   * @param current the caller's own shadow, checked with `owns`.
   */
  open(identity: Identity, options: { sink: Sink; current: BottlerocketShadow | undefined }): AgentStream {
    const name = shadowName(identity.node);
    const notch = this.#opened % BUCKETS;
    const stream = new AgentStream({ identity, sink: options.sink, notch, onEnd: this.#onStreamEnd });
    const others = this.#byShadow.get(name) ?? [];
    const ofPod = others.filter((other) => other.identity.podUid === identity.podUid);
    this.#byShadow.set(name, [...others, stream]);
    this.#opened += 1;
    this.#buckets[notch]?.add(stream);
    this.#size += 1;
    if (ofPod.length >= STREAMS_PER_POD) ofPod[0]?.end('replaced');
    const now = this.#clock.monotonic();
    if (options.current === undefined) stream.sendHeartbeat(this.#heartbeat(), now);
    else stream.sendState(shadowLine(options.current), now);
    return stream;
  }

  /**
   * A shadow is new or changed. Streams of those who do not own it (any more) end; the others hear of it, unless it
   * is the same to an agent as `before`, which they have.
   */
  shadowChanged(shadow: BottlerocketShadow, before: BottlerocketShadow | undefined): void {
    const streams = this.#byShadow.get(shadow.metadata.name);
    if (streams === undefined) return;
    const line = shadowLine(shadow);
    const isNews = before === undefined || shadowLine(before) !== line;
    const now = this.#clock.monotonic();
    for (const stream of streams) {
      if (!owns(stream.identity, shadow)) stream.end('ownerChanged');
      else if (isNews) stream.sendState(line, now);
    }
  }

  /** A shadow was deleted. Its streams wait for the next one. */
  shadowDeleted(name: string): void {
    const now = this.#clock.monotonic();
    for (const stream of this.#byShadow.get(name) ?? []) stream.sendState(GONE, now);
  }

  /** A pod was deleted: nobody speaks for it any more. */
  podGone(uid: string): void {
    for (const stream of this.#all()) if (stream.identity.podUid === uid) stream.end('podGone');
  }

  /** Turns the wheel until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    this.#turnedAtMs = this.#clock.monotonic();
    while (await sleepUnlessAborted(this.#clock, TICK_MS, signal)) this.turn();
    this.#turnedAtMs = undefined;
  }

  /** Why the wheel does not turn though it should; undefined when it does, or was not started. */
  whyStuck(): string | undefined {
    const stoodMs = this.#clock.monotonic() - (this.#turnedAtMs ?? Infinity);
    return stoodMs > STUCK_MS ? `no heartbeat was sent for ${Math.round(stoodMs / 1000)} s` : undefined;
  }

  /** One notch: ends what is over, gives one bucket its heartbeat. */
  turn(): void {
    const wall = this.#clock.now();
    const now = this.#clock.monotonic();
    this.#turnedAtMs = now;
    for (const stream of this.#all()) {
      if ((stream.identity.expiresAtMs ?? Infinity) <= wall) stream.end('expired');
      else if (now - (stream.blockedAtMs ?? now) >= STALL_MS) stream.end('stalled');
    }
    const line = this.#heartbeat();
    for (const stream of this.#buckets[this.#tick % BUCKETS] ?? []) stream.sendHeartbeat(line, now);
    this.#tick += 1;
  }

  /** Ends all streams, spread at random over `withinMs`, so that the fleet does not arrive elsewhere at once. */
  async drain(options: { withinMs: number; random: Random }): Promise<void> {
    const ends = [...this.#all()].map((stream) => ({ stream, atMs: options.random() * options.withinMs }));
    ends.sort((a, b) => a.atMs - b.atMs);
    const startMs = this.#clock.monotonic();
    for (let next = 0; next < ends.length;) {
      const passedMs = this.#clock.monotonic() - startMs;
      for (; (ends[next]?.atMs ?? Infinity) <= passedMs; next += 1) ends[next]?.stream.end('drained');
      if (next < ends.length) await this.#clock.sleep(DRAIN_TICK_MS);
    }
    // Those that were being opened meanwhile.
    for (const stream of this.#all()) stream.end('drained');
  }

  *#all(): Iterable<AgentStream> {
    for (const bucket of this.#buckets) yield* bucket;
  }

  #heartbeat(): string {
    return toLine({ type: 'HEARTBEAT', at: rfc3339(this.#clock.now()) });
  }

  /** One function for all streams. */
  readonly #onStreamEnd = (stream: AgentStream, why: StreamEnd): void => {
    const name = shadowName(stream.identity.node);
    const left = (this.#byShadow.get(name) ?? []).filter((other) => other !== stream);
    if (left.length === 0) this.#byShadow.delete(name);
    else this.#byShadow.set(name, left);
    this.#buckets[stream.notch]?.delete(stream);
    this.#size -= 1;
    this.#onEnd(why);
  };
}

const shadowLine = (shadow: BottlerocketShadow): string => toLine({ type: 'SHADOW', object: toWire(shadow) });
