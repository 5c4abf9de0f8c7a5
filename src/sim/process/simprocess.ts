/**
 * A process of a world as its supervisor sees it: it is started, killed, stopped, asked to end, started a second time
 * while it still lives, and started again when it has ended.
 */
import type { VirtualClock } from '../clock.ts';
import type { ClockView } from '../clock.ts';
import { Life } from './life.ts';
import type { StrikePoint } from './life.ts';

export interface SimProcessOptions {
  /** As the network and the log know it. */
  name: string;
  world: VirtualClock;
  /** Of the place where it runs: it outlives the process. */
  clock: ClockView;
  /** What it does; it ends when it is asked to, or by itself. @param count which life of it this is, from 1 */
  main: (life: Life, count: number) => Promise<void>;
  /** From the end of a life to the next. @default 5000 */
  restartMs?: number;
  /** Told when a life ends in an error. */
  onCrash?: (error: unknown) => void;
}

/** Where a life is hit. */
export interface HitPoint {
  /** 0 = now. */
  afterAwaits: number;
  at: StrikePoint;
}

const RESTART_MS = 5_000;
/** A process that was asked to end and did not is killed. */
const GRACE_MS = 30_000;

/** See the head of this file. */
export class SimProcess {
  readonly name: string;
  readonly clock: ClockView;
  readonly #options: SimProcessOptions;
  #lives: Life[] = [];
  #count = 0;
  #isStopped = true;
  /** How long after the end of a life the next begins; for once other than usual. */
  #nextRestartMs: number | undefined;

  constructor(options: SimProcessOptions) {
    this.#options = options;
    this.name = options.name;
    this.clock = options.clock;
  }

  /** Those that have not died, oldest first. */
  get lives(): readonly Life[] {
    return this.#lives;
  }

  start(): void {
    this.#isStopped = false;
    this.#begin();
  }

  /** It ends at once and is not started again. */
  stop(): void {
    this.#isStopped = true;
    for (const life of this.#lives) life.kill();
  }

  /** Asks it to end in order; it is not started again. */
  shutDown(): void {
    this.#isStopped = true;
    for (const life of this.#lives) life.terminate();
  }

  /** Kills its oldest life. @param restartMs until the next one; 0 = at once */
  kill(point: HitPoint, restartMs: number): void {
    this.#hit(point, (life) => {
      this.#nextRestartMs = restartMs;
      life.kill();
    });
  }

  /** Stops its oldest life for a time; then it goes on with what it believed. @returns ends that early */
  freeze(point: HitPoint, forMs: number): () => void {
    const life = this.#lives[0];
    this.#hit(point, (hit) => {
      hit.freeze();
      this.#options.world.after(forMs, () => hit.thaw());
    });
    return () => life?.thaw();
  }

  /** Starts it a second time while it lives. @returns ends all but the youngest */
  duplicate(): () => void {
    if (!this.#isStopped) this.#begin();
    return () => {
      for (const life of this.#lives.slice(0, -1)) life.kill();
    };
  }

  /** Asks its oldest life to end in order; what does not is killed. @param restartMs until the next one */
  terminate(restartMs: number): void {
    const life = this.#lives[0];
    if (life === undefined) return;
    this.#nextRestartMs = restartMs;
    life.terminate();
    this.#options.world.after(GRACE_MS, () => life.kill());
  }

  #hit({ afterAwaits, at }: HitPoint, hit: (life: Life) => void): void {
    const life = this.#lives[0];
    if (life === undefined) return;
    if (afterAwaits <= 0) hit(life);
    else life.strike({ afterAwaits, at, hit: () => hit(life) });
  }

  #begin(): void {
    const { name, clock, main, onCrash } = this.#options;
    this.#count += 1;
    const life = new Life(name, clock);
    this.#lives.push(life);
    life.onDeath(() => this.#ended(life));
    main(life, this.#count).then(
      () => life.kill(),
      (error: unknown) => {
        onCrash?.(error);
        life.kill();
      },
    );
  }

  #ended(life: Life): void {
    this.#lives = this.#lives.filter((each) => each !== life);
    if (this.#isStopped || this.#lives.length > 0) return;
    const { world, restartMs = RESTART_MS } = this.#options;
    const afterMs = this.#nextRestartMs ?? restartMs;
    this.#nextRestartMs = undefined;
    world.after(afterMs, () => {
      if (!this.#isStopped && this.#lives.length === 0) this.#begin();
    });
  }
}
