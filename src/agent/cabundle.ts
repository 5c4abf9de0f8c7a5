/** The CA bundle: read again when it changes, and kept as it was while it cannot be used. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';
import type { Logger } from '../runtime/log.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The certificates of a PEM text. @throws when there is none, or one is broken. */
export function certificatesOf(pem: string): string[] {
  const blocks = pem.match(CERTIFICATE) ?? [];
  if (blocks.length === 0) throw new Error('there is no certificate in it');
  for (const block of blocks) void new X509Certificate(block);
  return blocks;
}

/** See the head of this file. */
export class CaBundle {
  readonly #path: string;
  readonly #logger: Logger;
  #text: string | undefined;
  #context: SecureContext | undefined;
  /** What was wrong at the last read, so that it is told once. */
  #complaint: string | undefined;

  constructor(path: string, logger: Logger) {
    this.#path = path;
    this.#logger = logger;
  }

  /** What connections trust now. @throws when the file has never been usable. */
  async context(): Promise<SecureContext> {
    try {
      const text = await readFile(this.#path, 'utf8');
      if (text !== this.#text || !this.#context) this.#take(text);
      this.#complaint = undefined;
    } catch (error) {
      this.#complain((error as Error).message);
      if (!this.#context) throw error;
    }
    return this.#context as SecureContext;
  }

  #take(text: string): void {
    this.#context = createSecureContext({ ca: certificatesOf(text), minVersion: 'TLSv1.2' });
    this.#text = text;
    this.#logger.info('CA bundle read', { path: this.#path });
  }

  #complain(message: string): void {
    if (message === this.#complaint) return;
    this.#complaint = message;
    this.#logger.warn('CA bundle not usable', { path: this.#path, error: message, kept: !!this.#context });
  }
}
