/**
 * The network between the parties of a world. It can be cut between any two, both ways or one way, for a time. What is
 * under way then hangs: when the cut heals soon it arrives after all, as TCP sends again what was not acknowledged;
 * later the connection has broken.
 */
import type { Clock } from '../../runtime/clock.ts';
import { ConnectionReset } from './life.ts';

/** One way of a connection. A party is a name, or the beginning of one up to a hyphen: `agent` is all agents. */
export interface Way {
  from: string;
  to: string;
}

/** Both ways of one connection, as its opener sees it; undefined = nothing holds what is sent now. */
export interface Route {
  /** Resolves when what is sent now has arrived. @throws ConnectionReset when the cut was too long */
  there(): Promise<void> | undefined;
  /** The same of what the other side sends now. */
  back(): Promise<void> | undefined;
}

interface Held extends Way {
  sinceMs: number;
  arrive: () => void;
  reset: () => void;
}

/** What is sent is sent again for so long. */
export const RESEND_MS = 15_000;

const isPartOf = (party: string, group: string): boolean => party === group || party.startsWith(`${group}-`);

/** See the head of this file. */
export class Network {
  readonly #clock: Clock;
  readonly #cuts = new Set<Way>();
  #held: Held[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Cuts one way. @returns heals it */
  cut(way: Way): () => void {
    this.#cuts.add(way);
    return () => {
      if (this.#cuts.delete(way)) this.#release();
    };
  }

  /** Something is sent now: resolves when it has arrived; undefined = at once. @throws ConnectionReset */
  pass(way: Way): Promise<void> | undefined {
    if (this.#cuts.size === 0 || !this.#isCut(way)) return undefined;
    return new Promise((resolve, reject) => {
      const reset = (): void => reject(new ConnectionReset());
      this.#held.push({ ...way, sinceMs: this.#clock.monotonic(), arrive: resolve, reset });
    });
  }

  /** The route from one party to another. */
  route(from: string, to: string): Route {
    return {
      there: () => this.pass({ from, to }),
      back: () => this.pass({ from: to, to: from }),
    };
  }

  #isCut({ from, to }: Way): boolean {
    for (const cut of this.#cuts) if (isPartOf(from, cut.from) && isPartOf(to, cut.to)) return true;
    return false;
  }

  #release(): void {
    const held = this.#held;
    this.#held = held.filter((each) => this.#isCut(each));
    const nowMs = this.#clock.monotonic();
    for (const each of held) {
      if (this.#isCut(each)) continue;
      if (nowMs - each.sinceMs <= RESEND_MS) each.arrive();
      else each.reset();
    }
  }
}
