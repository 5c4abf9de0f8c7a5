/**
 * Configuration of a process: one declared table of options, each a flag and an environment variable, read and
 * validated once. Flags win over the environment, and that over defaults.
 */
import { parseArgs } from 'node:util';

/** One option. `parse` returns the value, or throws an OptionProblem that says what is expected. */
export interface Option<V> {
  /** Name of the flag without dashes, in kebab case. */
  readonly flag: string;
  /** Name of the environment variable. */
  readonly env: string;
  /** What it does, in one sentence. */
  readonly doc: string;
  /** What a value looks like, for the help. */
  readonly placeholder: string;
  /** As text, for the help; undefined when there is none. */
  readonly defaultText: string | undefined;
  /** `--flag` alone means true. */
  readonly isSwitch: boolean;
  /** Used when neither flag nor variable is given; undefined makes the option required. */
  readonly fallback: (() => V) | undefined;
  parse(text: string): V;
}

export type Options = Readonly<Record<string, Option<unknown>>>;

/** The values of a table of options. */
export type Config<O extends Options> = {
  -readonly [K in keyof O]: O[K] extends Option<infer V> ? V : never;
};

/** What is wrong with one value, in words that follow the option's name. */
export class OptionProblem extends Error {
  override readonly name = 'OptionProblem';
}

/** The configuration cannot be used. Carries all that is wrong, not only the first. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'config';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

interface Declaration<V> {
  flag: string;
  /** @default the flag in capitals with underscores */
  env?: string;
  doc: string;
  default?: V;
}

interface Kind<V> {
  placeholder: string;
  parse: (text: string) => V;
  show?: (value: V) => string;
  isSwitch?: boolean;
}

function option<V>(declaration: Declaration<V>, kind: Kind<V>): Option<V> {
  const { flag, doc, env = flag.toUpperCase().replaceAll('-', '_'), default: fallback } = declaration;
  const { placeholder, parse, show = String, isSwitch = false } = kind;
  return {
    flag,
    env,
    doc,
    placeholder,
    parse,
    isSwitch,
    defaultText: fallback === undefined ? undefined : show(fallback),
    fallback: fallback === undefined ? undefined : () => fallback,
  };
}

/** Any text. A default of '' makes it optional. */
export const text = (declaration: Declaration<string> & { placeholder?: string }): Option<string> =>
  option(declaration, { placeholder: declaration.placeholder ?? 'TEXT', parse: (value) => value });

/** Texts separated by commas; spaces around them do not count. */
export const list = (declaration: Declaration<readonly string[]>): Option<readonly string[]> =>
  option(declaration, {
    placeholder: 'A,B,…',
    parse: (value) =>
      value
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    show: (values) => values.join(','),
  });

export const oneOf = <const V extends string>(
  declaration: Declaration<V> & { values: readonly V[] },
): Option<V> =>
  option(declaration, {
    placeholder: declaration.values.join('|'),
    parse(value) {
      const found = declaration.values.find((known) => known === value);
      if (found === undefined) throw new OptionProblem(`must be one of ${declaration.values.join(', ')}`);
      return found;
    },
  });

/** `true` or `false`; the flag alone means true. */
export const flag = (declaration: Declaration<boolean>): Option<boolean> =>
  option(declaration, {
    placeholder: 'true|false',
    isSwitch: true,
    parse(value) {
      if (value !== 'true' && value !== 'false') throw new OptionProblem('must be true or false');
      return value === 'true';
    },
  });

export const integer = (
  declaration: Declaration<number> & { min?: number; max?: number },
): Option<number> => {
  const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = declaration;
  return option(declaration, {
    placeholder: 'N',
    parse(value) {
      const number = /^-?\d+$/.test(value) ? Number(value) : Number.NaN;
      if (!(number >= min && number <= max)) throw new OptionProblem(`must be ${rangeText(declaration)}`);
      return number;
    },
  });
};

function rangeText({ min, max }: { min?: number; max?: number }): string {
  if (min !== undefined && max !== undefined) return `a whole number from ${min} to ${max}`;
  if (min !== undefined) return `a whole number, ${min} or more`;
  return max === undefined ? 'a whole number' : `a whole number, ${max} or less`;
}

/** A TCP port; 0 lets the system choose. */
export const port = (declaration: Declaration<number>): Option<number> =>
  integer({ ...declaration, min: 0, max: 65_535 });

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A duration like `500ms`, `30s`, `1h30m`. The value, the default and the bounds are milliseconds. */
export const durationMs = (
  declaration: Declaration<number> & { minMs?: number; maxMs?: number },
): Option<number> => {
  const { minMs = 0, maxMs = Number.MAX_SAFE_INTEGER } = declaration;
  return option(declaration, {
    placeholder: 'DURATION',
    show: durationText,
    parse(value) {
      if (!/^(\d+(ms|s|m|h|d))+$/.test(value))
        throw new OptionProblem('must be a duration like 30s or 1h30m');
      let ms = 0;
      for (const [, number, unit] of value.matchAll(/(\d+)(ms|s|m|h|d)/g))
        ms += Number(number) * (UNITS_MS[unit ?? ''] ?? 0);
      if (ms < minMs) throw new OptionProblem(`must be ${durationText(minMs)} or more`);
      if (ms > maxMs) throw new OptionProblem(`must be ${durationText(maxMs)} or less`);
      return ms;
    },
  });
};

/** As `durationMs` reads it. */
export function durationText(ms: number): string {
  if (ms === 0) return '0s';
  let rest = ms;
  let result = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms'] as const) {
    const size = UNITS_MS[unit] ?? 1;
    const count = Math.floor(rest / size);
    if (count > 0) result += `${count}${unit}`;
    rest -= count * size;
  }
  return result;
}

export interface ConfigSource {
  /** Arguments after the subcommand. */
  argv: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
}

/** Reads the values of all options. An empty environment variable counts as not given. @throws ConfigError */
export function readConfig<O extends Options>(options: O, source: ConfigSource): Config<O> {
  const { flags, problems } = readFlags(options, source.argv);
  const values: Record<string, unknown> = {};
  for (const [name, declared] of Object.entries(options)) {
    try {
      values[name] = valueOf(declared, flags, source.env);
    } catch (error) {
      if (!(error instanceof OptionProblem)) throw error;
      problems.push(error.message);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return values as Config<O>;
}

function valueOf(
  declared: Option<unknown>,
  flags: ReadonlyMap<string, string>,
  env: ConfigSource['env'],
): unknown {
  const flagText = flags.get(declared.flag);
  if (flagText !== undefined) return parseNamed(declared, flagText, `--${declared.flag}`);
  const envText = env[declared.env];
  if (envText !== undefined && envText !== '') return parseNamed(declared, envText, declared.env);
  if (declared.fallback !== undefined) return declared.fallback();
  throw new OptionProblem(`--${declared.flag} (or ${declared.env}) is required: ${declared.doc}`);
}

function parseNamed(declared: Option<unknown>, value: string, name: string): unknown {
  try {
    return declared.parse(value);
  } catch (error) {
    if (!(error instanceof OptionProblem)) throw error;
    throw new OptionProblem(`${name} ${error.message}, not ${JSON.stringify(value)}`);
  }
}

function readFlags(
  options: Options,
  argv: readonly string[],
): { flags: Map<string, string>; problems: string[] } {
  const known = new Map(Object.values(options).map((declared) => [declared.flag, declared]));
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      [...known].map(([name, { isSwitch }]) => [name, { type: isSwitch ? 'boolean' : 'string' }] as const),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const flags = new Map<string, string>();
  const problems: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') problems.push(`Unexpected argument ${JSON.stringify(token.value)}`);
    else if (!known.has(token.name)) problems.push(`Unknown option ${token.rawName}`);
    else if (token.value === undefined && known.get(token.name)?.isSwitch !== true)
      problems.push(`${token.rawName} needs a value`);
    else flags.set(token.name, token.value ?? 'true');
  }
  return { flags, problems };
}

/** The options as text for `--help`. */
export function helpText(options: Options): string {
  return Object.values(options)
    .map(({ flag: name, env, doc, placeholder, defaultText, fallback }) => {
      const shown = defaultText === '' ? 'none' : defaultText;
      const otherwise = fallback === undefined ? 'required' : `default: ${shown}`;
      return `  --${name}=${placeholder}\n      ${doc}\n      ${env}, ${otherwise}`;
    })
    .join('\n');
}
