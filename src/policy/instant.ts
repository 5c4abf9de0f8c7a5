/** Instants in texts that people write: RFC 3339, with the offset that says which instant it is. */
import { DateTime } from 'luxon';
import { PolicyTextError } from './errors.ts';

const RFC3339 =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/**
 * Milliseconds since the epoch of an RFC 3339 text. Stricter than what merely reads times: the offset must be there
 * and the day must exist.
 *
 * @throws PolicyTextError `instant`.
 */
export function parseInstant(text: string): number {
  const allowed = 'is not an RFC 3339 time: write it like 2026-12-24T18:00:00Z or 2026-12-24T18:00:00+01:00';
  if (!RFC3339.test(text)) throw new PolicyTextError('instant', text, allowed);
  const time = DateTime.fromISO(text.toUpperCase(), { zone: 'utc' });
  if (!time.isValid)
    throw new PolicyTextError('instant', text, `${allowed} (${time.invalidExplanation ?? 'no such day'})`);
  return time.toMillis();
}
