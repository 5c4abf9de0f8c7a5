/** pino behind the Logger. */
import { type DestinationStream, pino } from 'pino';
import { type Clock, rfc3339Milli } from './clock.ts';
import type { LogLevel } from './jsonlog.ts';
import type { LogFields, Logger } from './log.ts';
import { redact } from './redaction.ts';

export interface LoggerOptions {
  clock: Pick<Clock, 'now'>;
  /** Lines below it are dropped. @default info */
  level?: LogLevel;
  /** On every line. @default none */
  fields?: LogFields;
  /** @default standard output, synchronously, so that the last lines before an end are not lost */
  destination?: DestinationStream;
}

/** One JSON object a line: `level`, `time` (RFC 3339, UTC), the fields, `msg`. Secrets are redacted. */
export function createLogger(options: LoggerOptions): Logger {
  const { clock, level = 'info', fields = {} } = options;
  const root = pino(
    {
      level,
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => `,"time":"${rfc3339Milli(clock.now())}"`,
    },
    options.destination ?? pino.destination({ fd: 1, sync: true }),
  );
  return adapt(root, fields);
}

/** The fields of parents are joined here and not by pino, so that a child may replace one without a double key. */
function adapt(target: pino.Logger, base: LogFields): Logger {
  const log =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      if (target.isLevelEnabled(level)) target[level](redact({ ...base, ...fields }), message);
    };
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: (fields) => adapt(target, { ...base, ...fields }),
  };
}
