import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../sim/clock.ts';
import { createLineLogger, type LogLevel } from './jsonlog.ts';
import type { LogFields, Logger } from './log.ts';
import { createLogger } from './logger.ts';

interface Options {
  level?: LogLevel;
  fields?: LogFields;
}
type Make = (write: (line: string) => void, options?: Options) => Logger;

const all = (logger: Logger): void => {
  logger.debug('A');
  logger.info('B');
  logger.warn('C');
  logger.error('D');
};

const clock = new VirtualClock();
const loggers: [string, Make][] = [
  ['pino', (write, options) => createLogger({ clock, destination: { write }, ...options })],
  ['built-ins', (write, options) => createLineLogger({ clock, write, ...options })],
];

describe.each(loggers)('logger of %s', (_, make) => {
  const written = (act: (logger: Logger) => void, options?: Options): unknown[] => {
    const lines: unknown[] = [];
    act(make((line) => lines.push(JSON.parse(line)), options));
    return lines;
  };

  test('writes one JSON object a line with level, time, fields and message', () => {
    expect(written((logger) => logger.info('Node drained', { node: 'n1', pods: 3 }))).toEqual([
      { level: 'info', time: '2026-01-01T00:00:00.000Z', node: 'n1', pods: 3, msg: 'Node drained' },
    ]);
  });

  test('drops what is below its level', () => {
    expect(written(all)).toMatchObject([{ msg: 'B' }, { msg: 'C' }, { msg: 'D' }]);
    expect(written(all, { level: 'error' })).toMatchObject([{ level: 'error', msg: 'D' }]);
    expect(written(all, { level: 'debug' })).toHaveLength(4);
  });

  test('children add fields and may replace those of their parents', () => {
    const lines: string[] = [];
    make((line) => lines.push(line), { fields: { process: 'controller' } })
      .child({ node: 'n1' })
      .child({ node: 'n2' })
      .info('Node seen');
    expect(lines[0]?.match(/"node"/g)).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ process: 'controller', node: 'n2' });
  });

  test('hides secrets', () => {
    expect(written((logger) => logger.child({ token: 'abc' }).info('Asked'))).toMatchObject([
      { token: '[redacted]' },
    ]);
  });
});
