/**
 * The serving certificate and its key, from the directory of a mounted Secret. A change is seen at once where the
 * file system tells, and by a look every minute where it does not. A pair that cannot serve never replaces one that
 * can.
 */
import { X509Certificate } from 'node:crypto';
import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Clock } from '../../runtime/clock.ts';
import { errorFields } from '../../runtime/errors.ts';
import type { Logger } from '../../runtime/log.ts';
import type { LinkedAbort } from '../../runtime/timers.ts';
import { linkAbort, sleepUnlessAborted } from '../../runtime/timers.ts';
import type { Pair } from './server.ts';

/** A look at the files without being told. */
const POLL_MS = 60_000;
/** While there is no pair, or one that cannot serve. */
const EAGER_POLL_MS = 1000;
/** A Secret is swapped in by several steps: what they are is read once they are over. */
const SETTLE_MS = 200;

export interface ServingPairOptions {
  /** Holds `tls.crt` and `tls.key`. */
  directory: string;
  clock: Clock;
  log: Logger;
  /** A pair that can serve, and another than before. */
  onLoaded: (pair: Pair) => void;
  /** Every attempt to load a changed pair. */
  onOutcome?: (outcome: 'loaded' | 'refused') => void;
}

/** See the head of this file. Constructing it reads nothing. */
export class ServingPair {
  readonly #options: ServingPairOptions;
  #current: Pair | undefined;
  #refused: string | undefined;
  #notAfterMs: number | undefined;

  constructor(options: ServingPairOptions) {
    this.#options = options;
  }

  /** The pair in use; undefined before the first. */
  get current(): Pair | undefined {
    return this.#current;
  }

  /** When the pair in use ends, milliseconds since the epoch. */
  get notAfterMs(): number | undefined {
    return this.#notAfterMs;
  }

  /** Looks at the files now. Never fails: what is wrong is logged, once for each cause. */
  async look(): Promise<void> {
    const { log, onLoaded, onOutcome } = this.#options;
    try {
      const pair = await read(this.#options.directory);
      if (pair.cert === this.#current?.cert && pair.key === this.#current.key) {
        this.#refused = undefined;
        return;
      }
      const certificate = check(pair);
      onLoaded(pair);
      this.#current = pair;
      this.#refused = undefined;
      this.#notAfterMs = certificate.validToDate.getTime();
      onOutcome?.('loaded');
      log.info('Serving certificate loaded', {
        subject: certificate.subject,
        serial: certificate.serialNumber,
        notAfter: certificate.validToDate.toISOString(),
      });
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      if (cause === this.#refused) return;
      this.#refused = cause;
      onOutcome?.('refused');
      log.warn('Serving certificate not usable', {
        ...errorFields(error),
        keepsOld: this.#current !== undefined,
      });
    }
  }

  /** Looks whenever there is something to see, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      const wake = linkAbort(signal);
      // Listening begins before the look, so that no change falls between the two.
      const isTold = this.#listen(wake);
      await this.look();
      const isWell = this.#current !== undefined && this.#refused === undefined;
      await sleepUnlessAborted(clock, isWell ? POLL_MS : EAGER_POLL_MS, wake.signal);
      wake.abort();
      wake.release();
      if (isTold()) await sleepUnlessAborted(clock, SETTLE_MS, signal);
    }
  }

  /** Aborts `wake` when something changes in the directory. @returns whether it did. */
  #listen(wake: LinkedAbort): () => boolean {
    let told = false;
    try {
      // The directory, not the files: kubelet replaces a link in it.
      const watcher = watch(this.#options.directory, { signal: wake.signal, persistent: false }, () => {
        told = true;
        wake.abort();
      });
      watcher.on('error', () => undefined);
    } catch {
      // No such directory yet, or no more watches to be had: polling sees it too.
    }
    return () => told;
  }
}

async function read(directory: string): Promise<Pair> {
  const [cert, key] = await Promise.all([
    readFile(join(directory, 'tls.crt'), 'utf8'),
    readFile(join(directory, 'tls.key'), 'utf8'),
  ]);
  return { cert, key };
}

/** @throws Error when this pair cannot serve. */
function check(pair: Pair): X509Certificate {
  createSecureContext(pair);
  return new X509Certificate(pair.cert);
}
