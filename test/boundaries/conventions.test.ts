import { describe, expect, test } from 'vitest';
import { logMessages, nothingHidden, reserved, withoutEffect, type Rule } from './rules.ts';
import { parseSource, readSources } from './source.ts';

const src = readSources('src');
const shipped = src.filter((source) => !source.isTest);
const everything = [...src, ...readSources('hack', 'test')];

/** What the rule says to this text. */
const objectionsTo = (rule: Rule, text: string): string[] => rule(parseSource('src/policy/example.ts', text));

describe('the source keeps to the conventions', () => {
  test.each(['clock', 'random', 'process'] as const)('only a few files touch the %s', (what) => {
    expect(shipped.flatMap(reserved(what))).toEqual([]);
  });

  test('loading a module has no effect', () => {
    const loaded = shipped.filter(({ path }) => !path.startsWith('src/cmd/'));
    expect(loaded.flatMap(withoutEffect)).toEqual([]);
  });

  test('log messages are constant, start with a capital and end without a period', () => {
    expect(shipped.flatMap(logMessages)).toEqual([]);
  });

  test('no test is skipped or singled out', () => {
    expect(everything.filter((source) => source.isTest).flatMap(nothingHidden)).toEqual([]);
  });

  test('no file is called by a word that says nothing', () => {
    const empty = /(^|[/._-])(utils?|helpers?|common|managers?|misc)([/._-]|$)/i;
    expect(everything.map(({ path }) => path).filter((path) => empty.test(path))).toEqual([]);
  });
});

describe('the rules notice', () => {
  const { clock, random, process } = {
    clock: reserved('clock'),
    random: reserved('random'),
    process: reserved('process'),
  };
  test.each([
    ['Date.now', clock, 'const t = Date.now();'],
    ['new Date()', clock, 'const t = new Date();'],
    ['a timer', clock, 'export const f = () => setTimeout(g, 5);'],
    ['performance', clock, 'const t = performance.now();'],
    ['node:timers', clock, "import { setTimeout as delay } from 'node:timers/promises';"],
    ["luxon's now", clock, 'const t = DateTime.utc();'],
    ['Math.random', random, 'const r = Math.random();'],
    ['randomUUID', random, "import { randomUUID } from 'node:crypto';"],
    ['the environment', process, "const e = process.env['HOME'];"],
    ['a call at load time', withoutEffect, 'start();'],
    ['a template as a message', logMessages, 'log.info(`Node ${name}`);'],
    ['a small letter', logMessages, "this.#logger.warn('node is late', {});"],
    ['a period', logMessages, "logger.error('Node is late.');"],
    ['a skipped test', nothingHidden, "test.skip('x', () => {});"],
    ['a test singled out', nothingHidden, "describe.only('x', () => {});"],
  ])('%s', (_, rule, text) => {
    expect(objectionsTo(rule, text)).toHaveLength(1);
  });

  test.each([
    [
      'a conversion',
      clock,
      'const t = new Date(now).toISOString() + Date.parse(text) + DateTime.local(2026);',
    ],
    ['a property of that name', clock, 'const o = { performance: 1 }; f(o.performance, clock.setTimeout);'],
    ['a field called process', process, 'const x = work.process;'],
    ['a main guard', withoutEffect, 'if (import.meta.main) start();'],
    ['a good message', logMessages, "log.info('Node is late', { node });"],
    ['a choice of messages', logMessages, "log.info(late ? 'Node is late' : 'Node is here');"],
  ])('not %s', (_, rule, text) => {
    expect(objectionsTo(rule, text)).toEqual([]);
  });
});
