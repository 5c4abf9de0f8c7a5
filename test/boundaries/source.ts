/** The project's own source as syntax trees, for tests that read it. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { parseAst } from 'rolldown/parseAst';

const ROOT = join(import.meta.dirname, '..', '..');

/** Any node of the tree; what is read of it is checked where it is read. */
export interface SyntaxNode {
  type: string;
  start: number;
  [field: string]: unknown;
}

export interface Import {
  /** As it is written. */
  specifier: string;
  /** Path in the repository, of a relative import. */
  target?: string;
  /** Nothing of it is left at run time. */
  typeOnly: boolean;
  names: string[];
  line: number;
}

/** One file. */
export interface Source {
  /** Path in the repository. */
  path: string;
  isTest: boolean;
  body: SyntaxNode[];
  /** Every node, each with the one that holds it. */
  nodes: { node: SyntaxNode; parent: SyntaxNode }[];
  imports: Import[];
  line(node: SyntaxNode): number;
}

const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === 'object' && value !== null && typeof (value as SyntaxNode).type === 'string';

function* walk(parent: SyntaxNode): Generator<{ node: SyntaxNode; parent: SyntaxNode }> {
  for (const value of Object.values(parent)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (!isNode(child)) continue;
      yield { node: child, parent };
      yield* walk(child);
    }
  }
}

/** Text of a string literal. */
export const literal = (node: unknown): string | undefined =>
  isNode(node) && node.type === 'Literal' && typeof node['value'] === 'string' ? node['value'] : undefined;

/** Name of an identifier. */
export const identifier = (node: unknown): string | undefined =>
  isNode(node) && node.type === 'Identifier' && typeof node['name'] === 'string' ? node['name'] : undefined;

const IMPORTING = new Set([
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
]);

function importOf(node: SyntaxNode): Omit<Import, 'line' | 'target'> | undefined {
  if (!IMPORTING.has(node.type)) return undefined;
  const specifier = literal(node['source']);
  if (specifier === undefined) return undefined;
  const specifiers = (node['specifiers'] ?? []) as SyntaxNode[];
  const isType = (each: SyntaxNode): boolean => [each['importKind'], each['exportKind']].includes('type');
  const typeOnly = isType(node) || (specifiers.length > 0 && specifiers.every(isType));
  const names = specifiers.flatMap((each) => identifier(each['imported']) ?? []);
  return { specifier, typeOnly, names };
}

/** Tests, and what only tests use: `x.test.ts`, `testworld.ts`, all of `test/`. */
export const isTestPath = (path: string): boolean =>
  path.startsWith('test/') || path.endsWith('.test.ts') || /(^|\/)test[a-z]*\.ts$/.test(path);

/** A file of this path and text. */
export function parseSource(path: string, text: string): Source {
  const program = parseAst(text, { lang: 'ts' }, path) as unknown as SyntaxNode;
  const line = (node: SyntaxNode): number => text.slice(0, node.start).split('\n').length;
  const nodes = [...walk(program)];
  const imports = nodes.flatMap(({ node }): Import[] => {
    const found = importOf(node);
    if (found === undefined) return [];
    const isOurs = found.specifier.startsWith('.');
    const target = isOurs ? { target: join(dirname(path), found.specifier) } : {};
    return [{ ...found, ...target, line: line(node) }];
  });
  return {
    path,
    isTest: isTestPath(path),
    body: program['body'] as SyntaxNode[],
    nodes,
    imports,
    line,
  };
}

/** Every TypeScript file below these folders. */
export const readSources = (...folders: string[]): Source[] =>
  folders.flatMap((folder) =>
    globSync(join(ROOT, folder, '**/*.ts'))
      .map((path) => relative(ROOT, path))
      .toSorted()
      .map((path) => parseSource(path, readFileSync(join(ROOT, path), 'utf8'))),
  );
