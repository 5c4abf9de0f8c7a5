/** Keys that a double of a controller has still to look at. Each is looked at once, a while after it was added. */
import { isKubernetesError } from '../../runtime/kubernetes.ts';
import type { Timer, VirtualClock } from '../clock.ts';

export interface KeyQueueOptions {
  clock: VirtualClock;
  /** How long after `add` a key is looked at. */
  delayMs: number;
  /** Level-triggered: looks at the world as it is. A KubernetesError is tried again. */
  handle: (key: string) => void;
}

const RETRY_MS = 1_000;

export class KeyQueue {
  readonly #options: KeyQueueOptions;
  readonly #waiting = new Map<string, { timer: Timer; atMs: number }>();

  constructor(options: KeyQueueOptions) {
    this.#options = options;
  }

  /** Adding a key that waits already brings it forward, never back. @param delayMs default: that of the queue */
  add(key: string, delayMs: number = this.#options.delayMs): void {
    const { clock } = this.#options;
    const atMs = clock.monotonic() + delayMs;
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined && waiting.atMs <= atMs) return;
    waiting?.timer.cancel();
    this.#waiting.set(key, { atMs, timer: clock.after(delayMs, () => this.#look(key)) });
  }

  #look(key: string): void {
    this.#waiting.delete(key);
    try {
      this.#options.handle(key);
    } catch (error) {
      if (!isKubernetesError(error)) throw error;
      this.add(key, RETRY_MS);
    }
  }
}
