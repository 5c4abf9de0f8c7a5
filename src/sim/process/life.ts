/**
 * One life of a process, from its start to its death. Everything it uses of the world goes through its life, so that it
 * can be killed or stopped (SIGSTOP) at any await: after its death nothing of it ever runs again, and what it had sent
 * arrives all the same.
 */
import type { Clock, Random } from '../../runtime/clock.ts';
import type { KubernetesPort } from '../../runtime/kubernetes.ts';
import { MortalPort } from './port.ts';

/** Where in an await: before the request is sent, once it is sent, or when its answer has come. */
export const STRIKE_POINTS = ['before', 'sent', 'answered'] as const;
export type StrikePoint = (typeof STRIKE_POINTS)[number];

/** What happens to a life at its n-th await from now. */
export interface Strike {
  /** 1 = the next. */
  afterAwaits: number;
  at: StrikePoint;
  hit: () => void;
}

/** Whoever was connected to a process that has died. */
export class ConnectionReset extends Error {
  override readonly name = 'ConnectionReset';

  constructor() {
    super('the connection was reset');
  }
}

const never = (): Promise<never> => new Promise(() => undefined);

/** See the head of this file. */
export class Life {
  readonly name: string;
  readonly clock: Clock;
  readonly #end = new AbortController();
  readonly #deaths = new Set<() => void>();
  /** What waits for the process to go on, in order. */
  #waiting: (() => void)[] = [];
  #state: 'running' | 'frozen' | 'dead' = 'running';
  #strikes: Strike[] = [];

  /** @param clock the world's time as the place where the process runs sees it */
  constructor(name: string, clock: Clock) {
    this.name = name;
    this.clock = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      sleep: (ms, signal) => this.cross(() => clock.sleep(ms, signal)),
    };
  }

  /** Aborts when the process is asked to end (SIGTERM); not at its death, of which it does not learn. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  get isDead(): boolean {
    return this.#state === 'dead';
  }

  get isFrozen(): boolean {
    return this.#state === 'frozen';
  }

  /** At once, wherever it is. */
  kill(): void {
    if (this.isDead) return;
    this.#state = 'dead';
    this.#waiting = [];
    this.#strikes = [];
    const deaths = [...this.#deaths];
    this.#deaths.clear();
    for (const tell of deaths) tell();
  }

  /** Asks it to end in order. */
  terminate(): void {
    this.call(() => this.#end.abort(new Error('the process is asked to end')));
  }

  /** Nothing of it runs until it is thawed; it does not notice. */
  freeze(): void {
    if (this.#state === 'running') this.#state = 'frozen';
  }

  thaw(): void {
    if (this.#state !== 'frozen') return;
    this.#state = 'running';
    const waiting = this.#waiting;
    this.#waiting = [];
    // One of them may freeze or kill it again.
    for (const go of waiting) this.call(go);
  }

  /** Arranges for something to happen to it at a certain await. */
  strike(strike: Strike): void {
    if (!this.isDead) this.#strikes.push({ ...strike });
  }

  /** Calls `tell` at its death. @returns forgets it */
  onDeath(tell: () => void): () => void {
    this.#deaths.add(tell);
    return () => void this.#deaths.delete(tell);
  }

  /** Calls into the process: now, once it runs again, or never. */
  call(go: () => void): void {
    if (this.#state === 'running') go();
    else if (this.#state === 'frozen') this.#waiting.push(go);
  }

  /** An await of the process on the world. */
  async cross<T>(send: () => Promise<T>): Promise<T> {
    const strikes = this.#countAwait();
    hitAt(strikes, 'before');
    if (this.#state !== 'running') await this.#running();
    const answer = send();
    hitAt(strikes, 'sent');
    try {
      return await answer;
    } finally {
      hitAt(strikes, 'answered');
      if (this.#state !== 'running') await this.#running();
    }
  }

  /** Work that somebody else asks of the process. @throws ConnectionReset when it dies over it, else what `work` throws */
  serve<T>(work: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const reset = (): void => reject(new ConnectionReset());
      if (this.isDead) return reset();
      const forget = this.onDeath(reset);
      const answer = (give: () => void): void =>
        this.call(() => {
          forget();
          give();
        });
      this.call(() => {
        work().then(
          (value) => answer(() => resolve(value)),
          (error: unknown) => answer(() => reject(error)),
        );
      });
    });
  }

  /** Random numbers, of which each is a point where it can be hit, too. */
  random(random: Random): Random {
    return () => {
      const strikes = this.#countAwait();
      for (const { hit } of strikes) hit();
      return random();
    };
  }

  /** Its way to Kubernetes. */
  port(port: KubernetesPort): KubernetesPort {
    return new MortalPort(this, port);
  }

  /** Counts an await. @returns what hits it there */
  #countAwait(): Strike[] {
    if (this.#strikes.length === 0) return NONE;
    for (const strike of this.#strikes) strike.afterAwaits -= 1;
    const due = this.#strikes.filter(({ afterAwaits }) => afterAwaits <= 0);
    if (due.length > 0) this.#strikes = this.#strikes.filter(({ afterAwaits }) => afterAwaits > 0);
    return due;
  }

  #running(): Promise<void> {
    if (this.isDead) return never();
    return new Promise((resolve) => {
      this.call(resolve);
    });
  }
}

const NONE: Strike[] = [];

function hitAt(strikes: readonly Strike[], point: StrikePoint): void {
  for (const { at, hit } of strikes) if (at === point) hit();
}
