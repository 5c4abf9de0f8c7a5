import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ConfigError,
  type ConfigSource,
  durationMs,
  durationText,
  flag,
  helpText,
  integer,
  list,
  oneOf,
  port,
  readConfig,
  text,
} from './config.ts';

const OPTIONS = {
  healthPort: port({ flag: 'health-port', doc: 'Port of the probes.', default: 8080 }),
  level: oneOf({ flag: 'log-level', doc: 'Least level.', values: ['debug', 'info'], default: 'info' }),
  period: durationMs({ flag: 'period', doc: 'How often.', default: 90_000, minMs: 1_000, maxMs: 3_600_000 }),
  workers: integer({ flag: 'workers', doc: 'How many.', default: 4, min: 1, max: 64 }),
  dryRun: flag({ flag: 'dry-run', doc: 'Change nothing.', default: false }),
  audiences: list({ flag: 'audiences', doc: 'Accepted audiences.', default: ['a', 'b'] }),
  node: text({ flag: 'node', env: 'NODE_NAME', doc: 'Name of the node.', placeholder: 'NAME' }),
};

const read = (source: Partial<ConfigSource>) =>
  readConfig(OPTIONS, { argv: source.argv ?? ['--node=n'], env: source.env ?? {} });

const problems = (source: Partial<ConfigSource>): readonly string[] => {
  try {
    read(source);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return expect.fail('expected a ConfigError');
};

describe('values', () => {
  test('are the defaults where nothing is given', () => {
    expect(read({})).toEqual({
      healthPort: 8080,
      level: 'info',
      period: 90_000,
      workers: 4,
      dryRun: false,
      audiences: ['a', 'b'],
      node: 'n',
    });
  });

  test('come from the environment, and from flags first', () => {
    const env = {
      HEALTH_PORT: '1',
      WORKERS: '2',
      NODE_NAME: 'env',
      DRY_RUN: 'true',
      AUDIENCES: 'x, y,',
      PERIOD: '',
    };
    expect(read({ argv: ['--workers', '3'], env })).toMatchObject({
      healthPort: 1,
      workers: 3,
      node: 'env',
      dryRun: true,
      audiences: ['x', 'y'],
      period: 90_000,
    });
  });

  test.each([
    [['--dry-run'], true],
    [['--dry-run=true'], true],
    [['--dry-run=false'], false],
  ])('%j means %s', (argv, expected) => {
    expect(read({ argv: ['--node=n', ...argv] }).dryRun).toBe(expected);
  });

  test.each([
    ['1s', 1_000],
    ['1500ms', 1_500],
    ['1m30s', 90_000],
    ['1h', 3_600_000],
  ])('a period of %s is %i ms', (given, ms) => {
    expect(read({ argv: ['--node=n', `--period=${given}`] }).period).toBe(ms);
  });

  test('a duration that is shown can be read', () => {
    const option = durationMs({ flag: 'x', doc: '' });
    fc.assert(
      fc.property(fc.nat(10 ** 10), (ms) => {
        expect(option.parse(durationText(ms))).toBe(ms);
      }),
    );
  });
});

describe('problems', () => {
  test.each([
    [['--health-port=70000'], '--health-port must be a whole number from 0 to 65535, not "70000"'],
    [['--workers=0'], '--workers must be a whole number from 1 to 64, not "0"'],
    [['--workers=1e3'], '--workers must be a whole number from 1 to 64, not "1e3"'],
    [['--period=5'], '--period must be a duration like 30s or 1h30m, not "5"'],
    [['--period=1ms'], '--period must be 1s or more, not "1ms"'],
    [['--period=2h'], '--period must be 1h or less, not "2h"'],
    [['--log-level=loud'], '--log-level must be one of debug, info, not "loud"'],
    [['--dry-run=maybe'], '--dry-run must be true or false, not "maybe"'],
    [['--worker=3'], 'Unknown option --worker'],
    [['-x'], 'Unknown option -x'],
    [['stray'], 'Unexpected argument "stray"'],
    [['--workers'], '--workers needs a value'],
  ])('%j: %s', (argv, problem) => {
    expect(problems({ argv: ['--node=n', ...argv] })).toEqual([problem]);
  });

  test('a variable is called by its own name', () => {
    expect(problems({ env: { WORKERS: 'many' } })).toEqual([
      'WORKERS must be a whole number from 1 to 64, not "many"',
    ]);
  });

  test('all are told at once', () => {
    expect(problems({ argv: ['--workers=x', '--period=x', '--what'] })).toHaveLength(4);
  });

  test('a required option says what it is for', () => {
    expect(problems({ argv: [] })).toEqual(['--node (or NODE_NAME) is required: Name of the node.']);
  });
});

test('the help names every option, its variable and its default', () => {
  const help = helpText(OPTIONS);
  expect(help).toContain('  --period=DURATION\n      How often.\n      PERIOD, default: 1m30s');
  expect(help).toContain('  --node=NAME\n      Name of the node.\n      NODE_NAME, required');
  expect(help).toContain('--log-level=debug|info');
});
