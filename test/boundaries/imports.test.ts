import { describe, expect, test } from 'vitest';
import { LAYERS, layerOf, PURE_LAYERS } from './layers.ts';
import { isTestPath, readSources, type Import, type Source } from './source.ts';

const sources = readSources('src');
const production = sources.filter((source) => !source.isTest);
const byPath = new Map(sources.map((source) => [source.path, source]));

const at = (source: Source, entry: { line: number }): string => `${source.path}:${entry.line}`;

/** One line for each import that `verdict` objects to. */
function objections(from: readonly Source[], verdict: (source: Source, each: Import) => string | undefined) {
  return from.flatMap((source) =>
    source.imports.flatMap((each) => {
      const reason = verdict(source, each);
      return reason === undefined ? [] : [`${at(source, each)} ${reason}`];
    }),
  );
}

const isPure = ({ path, isTest }: Source): boolean =>
  !isTest && (PURE_LAYERS.includes(layerOf(path) ?? '') || path.endsWith('/plan.ts'));

/** Every file that is loaded with `start`, and the first path to it. */
function reachable(start: readonly Source[]): Map<string, string> {
  const seen = new Map(start.map((source) => [source.path, source.path]));
  for (const [path, via] of seen) {
    for (const each of byPath.get(path)?.imports ?? []) {
      if (each.typeOnly || each.target === undefined || seen.has(each.target)) continue;
      seen.set(each.target, `${via} → ${each.target}`);
    }
  }
  return seen;
}

describe('layers', () => {
  test('every folder of src is a layer', () => {
    const strangers = sources.filter(({ path }) => LAYERS[layerOf(path) ?? ''] === undefined);
    expect(strangers.map(({ path }) => path)).toEqual([]);
  });

  test('a layer imports only the layers below it', () => {
    const wrong = objections(sources, (source, { target }) => {
      const from = layerOf(source.path);
      const to = target === undefined ? undefined : layerOf(target);
      if (from === undefined || to === undefined || from === to) return undefined;
      // Unit tests are written against the cluster in memory and the kinds of the API.
      const allowed = [...(LAYERS[from] ?? []), ...(source.isTest ? ['sim', 'api'] : [])];
      return allowed.includes(to) ? undefined : `${from} may not import ${to} (${target})`;
    });
    expect(wrong).toEqual([]);
  });

  test('what is shipped imports neither tests nor scripts', () => {
    const wrong = objections(production, (_, { target }) =>
      target !== undefined && (!target.startsWith('src/') || isTestPath(target))
        ? `shipped code may not import ${target}`
        : undefined,
    );
    expect(wrong).toEqual([]);
  });
});

describe('pure code', () => {
  const pure = production.filter(isPure);

  test('has no input or output', () => {
    const wrong = objections(pure, (_, { specifier }) =>
      specifier.startsWith('node:') ? `pure code may not import ${specifier}` : undefined,
    );
    expect(wrong).toEqual([]);
  });

  test('takes instants as arguments, not a clock', () => {
    const forbidden = new Set(['Clock', 'systemClock', 'Random', 'Logger', 'KubernetesPort']);
    const wrong = objections(pure, (_, { names }) => {
      const found = names.find((name) => forbidden.has(name));
      return found === undefined ? undefined : `pure code may not import ${found}: pass its values`;
    });
    expect(wrong).toEqual([]);
  });

  test('waits for nothing', () => {
    const wrong = pure.flatMap((source) =>
      source.nodes
        .filter(({ node }) => node.type === 'AwaitExpression' || node['async'] === true)
        .map(({ node }) => `${source.path}:${source.line(node)} pure code may not await`),
    );
    expect(wrong).toEqual([]);
  });
});

describe('the agent', () => {
  test('is loaded from built-in modules of Node and our own files alone', () => {
    const entries = production.filter(({ path }) => layerOf(path) === 'agent' || path === 'src/cmd/agent.ts');
    const wrong = [...reachable(entries)].flatMap(([path, via]) =>
      (byPath.get(path)?.imports ?? [])
        .filter(
          ({ typeOnly, target, specifier }) =>
            !typeOnly && target === undefined && !specifier.startsWith('node:'),
        )
        .map(({ specifier, line }) => `${path}:${line} imports ${specifier} (${via})`),
    );
    expect(wrong).toEqual([]);
  });
});
