/** What is wrong with a text of a policy, in words a person can act on. */

/** Kinds of text a policy holds that only code can check. */
export type PolicyTextCode =
  'duration' | 'cron' | 'timeZone' | 'instant' | 'limit' | 'range' | 'version' | 'selector';

/** A text that cannot be read; the message quotes it, says what is wrong and what is allowed. */
export class PolicyTextError extends Error {
  override readonly name = 'PolicyTextError';
  readonly code: PolicyTextCode;
  /** The text as it was written. */
  readonly text: string;

  constructor(code: PolicyTextCode, text: string, problem: string) {
    super(`"${text}" ${problem}`);
    this.code = code;
    this.text = text;
  }
}

/** One thing wrong with one field of an object. */
export interface FieldError {
  /** Where, from the root of the object: `spec.maintenanceWindows[0].schedule`. */
  readonly path: string;
  /** The value found there. */
  readonly value: unknown;
  /** What is wrong, and the remedy. */
  readonly message: string;
}

/**
 * Reads a value, collecting a PolicyTextError instead of throwing it.
 *
 * @returns what `read` returns; undefined when the text was refused.
 */
export function collect<T>(errors: FieldError[], at: { path: string; value: unknown }, read: () => T) {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof PolicyTextError)) throw error;
    errors.push({ ...at, message: error.message });
    return undefined;
  }
}
