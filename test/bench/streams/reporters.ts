/**
 * A process of agents that report, each report on a TLS connection of its own as agents make them. Reports are sent at
 * fixed moments, whether earlier ones are answered or not, and a report's time runs from that moment: if server or
 * machine stand still, what would have been sent meanwhile waited as well.
 */
import { createSecureContext } from 'node:tls';
import { setTimeout as pause } from 'node:timers/promises';
import { STATUS_PATH } from '../../../src/api/wire.ts';
import type { Target } from './connection.ts';
import { open } from './connection.ts';
import { hostOf, shadowUid, tokenOf } from './objects.ts';

export interface ReportWork {
  port: number;
  ca: string;
  /** Agents that report, in turn. */
  reporters: number;
  perSecond: number;
  seconds: number;
}
export interface ReportMessage {
  /** From the moment a report was due to the end of its answer. */
  latenciesMs: number[];
  /** From that moment until it was sent: what this process, and not the server, made it wait. */
  latenessMs: number[];
  failed: number;
}

/** The tokens are reviewed first, at a rate that is granted. */
const WARM_UP_PER_SECOND = 40;
const TOKEN_SECONDS = 3600;

class Reporters {
  readonly #work: ReportWork;
  readonly #target: Target;
  readonly #tokens: readonly string[];

  constructor(work: ReportWork) {
    this.#work = work;
    this.#target = { port: work.port, secureContext: createSecureContext({ ca: work.ca }) };
    const expires = Math.floor(Date.now() / 1000) + TOKEN_SECONDS;
    this.#tokens = Array.from({ length: work.reporters }, (_, index) => tokenOf(index, expires));
  }

  async run(): Promise<ReportMessage> {
    const { reporters, perSecond, seconds } = this.#work;
    await this.#report({ perSecond: WARM_UP_PER_SECOND, from: 0, count: reporters });
    process.send?.('warm');
    return this.#report({ perSecond, from: reporters, count: perSecond * seconds });
  }

  async #report(plan: { perSecond: number; from: number; count: number }): Promise<ReportMessage> {
    const { perSecond, from, count } = plan;
    const result: ReportMessage = { latenciesMs: [], latenessMs: [], failed: 0 };
    const pending: Promise<void>[] = [];
    const startMs = performance.now();
    for (let number = 0; number < count; number += 1) {
      const dueMs = startMs + (number * 1000) / perSecond;
      const waitMs = dueMs - performance.now();
      if (waitMs > 0) await pause(waitMs);
      result.latenessMs.push(performance.now() - dueMs);
      pending.push(
        this.#put(from + number).then(
          () => void result.latenciesMs.push(performance.now() - dueMs),
          () => void (result.failed += 1),
        ),
      );
    }
    await Promise.all(pending);
    return result;
  }

  async #put(number: number): Promise<void> {
    const { reporters } = this.#work;
    const index = number % reporters;
    const body = JSON.stringify({
      uid: shadowUid(index),
      generation: 1,
      seq: Math.floor(number / reporters) + 1,
      current_state: 'Idle',
      current_version: '1.50.0',
      target_version: '1.51.0',
      host: hostOf(),
    });
    const token = this.#tokens[index] ?? '';
    const { socket, status } = await open(this.#target, { method: 'PUT', path: STATUS_PATH, token, body });
    socket.destroy();
    if (status !== 200) throw new Error(`answered ${status}`);
  }
}

process.once('message', (work: ReportWork) => {
  void new Reporters(work).run().then((message) => process.send?.(message));
});
process.on('disconnect', () => process.exit());
