/** A logger of built-ins only, with the same lines as `logger.ts`: for the agent, which must stay small. */
import { type Clock, rfc3339Milli } from './clock.ts';
import type { LogFields, Logger } from './log.ts';
import { redact } from './redaction.ts';

/** From the most to the least talkative. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LineLoggerOptions {
  clock: Pick<Clock, 'now'>;
  /** Writes one line, with its end. */
  write: (line: string) => void;
  /** Lines below it are dropped. @default info */
  level?: LogLevel;
  /** On every line. @default none */
  fields?: LogFields;
}

/** One JSON object a line: `level`, `time` (RFC 3339, UTC), the fields, `msg`. Secrets are redacted. */
export function createLineLogger(options: LineLoggerOptions): Logger {
  const { clock, write, level = 'info', fields: base = {} } = options;
  const threshold = LOG_LEVELS.indexOf(level);
  const log =
    (name: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      if (LOG_LEVELS.indexOf(name) < threshold) return;
      const facts = redact({ ...base, ...fields });
      const time = rfc3339Milli(clock.now());
      write(`${JSON.stringify({ level: name, time, ...facts, msg: message })}\n`);
    };
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: (fields) => createLineLogger({ ...options, fields: { ...base, ...fields } }),
  };
}
