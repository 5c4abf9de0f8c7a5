/** Conventions that are read off the syntax tree. Each rule returns what it objects to, one text per finding. */
import { RESERVED } from './layers.ts';
import { identifier, literal, type Source, type SyntaxNode } from './source.ts';

/** Objections to one file, each with its line. */
export type Rule = (source: Source) => string[];

type Match = (node: SyntaxNode, parent: SyntaxNode) => boolean;

/** The object and the property of `Date.now`. */
function member(node: unknown): [object: SyntaxNode, property: string] | undefined {
  const expression = node as SyntaxNode | undefined;
  if (expression?.type !== 'MemberExpression' || expression['computed'] === true) return undefined;
  const property = expression['property'] as SyntaxNode;
  const name = property.type === 'PrivateIdentifier' ? String(property['name']) : identifier(property);
  return name === undefined ? undefined : [expression['object'] as SyntaxNode, name];
}

/** True for `Object.property`. */
const isMember = (node: unknown, object: string, ...properties: string[]): boolean => {
  const [holder, name] = member(node) ?? [];
  return identifier(holder) === object && properties.includes(name ?? '');
};

/** True when an identifier stands for a value, not for the name of a property or in a type. */
const isReference = (node: SyntaxNode, parent: SyntaxNode): boolean =>
  !(parent.type === 'MemberExpression' && parent['property'] === node && parent['computed'] !== true) &&
  !(parent['key'] === node && parent['shorthand'] !== true) &&
  parent.type !== 'ImportSpecifier' &&
  !parent.type.startsWith('TS');

const argumentsOf = (node: SyntaxNode): SyntaxNode[] => (node['arguments'] ?? []) as SyntaxNode[];

const find = (source: Source, match: Match, text: string): string[] =>
  source.nodes
    .filter(({ node, parent }) => match(node, parent))
    .map(({ node }) => `${source.path}:${source.line(node)} ${text}`);

const TIMERS = new Set(['setTimeout', 'setInterval', 'setImmediate', 'performance']);

/** `new Date()`, `Date()` and luxon's `DateTime.now()`; with arguments they only convert. */
const asksForNow = (node: SyntaxNode): boolean => {
  if (argumentsOf(node).length > 0) return false;
  if (node.type === 'NewExpression') return identifier(node['callee']) === 'Date';
  if (node.type !== 'CallExpression') return false;
  return identifier(node['callee']) === 'Date' || isMember(node['callee'], 'DateTime', 'now', 'local', 'utc');
};

const readsClock: Match = (node, parent) =>
  asksForNow(node) ||
  isMember(node, 'Date', 'now') ||
  (node.type === 'ImportDeclaration' && (literal(node['source']) ?? '').startsWith('node:timers')) ||
  (TIMERS.has(identifier(node) ?? '') && isReference(node, parent));

const RANDOM_IMPORTS = new Set(['randomUUID', 'randomInt']);

const readsRandom: Match = (node, parent) =>
  isMember(node, 'Math', 'random') ||
  (node.type === 'ImportSpecifier' &&
    literal(parent['source']) === 'node:crypto' &&
    RANDOM_IMPORTS.has(identifier(node['imported']) ?? ''));

const readsProcess: Match = (node, parent) =>
  literal(node['source']) === 'node:process' || (identifier(node) === 'process' && isReference(node, parent));

const USES = { clock: readsClock, random: readsRandom, process: readsProcess };

/** The clock, randomness and the process belong to a few files; all others are given what they need. */
export const reserved =
  (what: keyof typeof USES): Rule =>
  (source) => {
    const { files, remedy } = RESERVED[what];
    if (files.some((prefix) => source.path.startsWith(prefix))) return [];
    return find(source, USES[what], `uses the ${what}: ${remedy}`);
  };

const STATEMENTS = new Set(['ExpressionStatement', 'IfStatement', 'TryStatement', 'ForOfStatement']);

/** Importing a module does nothing but declare. */
export const withoutEffect: Rule = (source) =>
  source.body
    .filter((node) => STATEMENTS.has(node.type) && member(node['test'])?.[1] !== 'main')
    .map(
      (node) =>
        `${source.path}:${source.line(node)} does something when it is imported: move it into a function`,
    );

const LEVELS = new Set(['debug', 'info', 'warn', 'error']);

const isLogger = (object: SyntaxNode): boolean =>
  /log(ger)?$/i.test(identifier(object) ?? member(object)?.[1] ?? '');

/** A literal, or a choice between literals. */
const messagesOf = (node: SyntaxNode | undefined): (string | undefined)[] =>
  node?.type === 'ConditionalExpression'
    ? [literal(node['consequent']), literal(node['alternate'])]
    : [literal(node)];

/** Log messages are constant, start with a capital and end without a period; facts are keys. */
export const logMessages: Rule = (source) =>
  find(
    source,
    (node) => {
      const [object, level] = member(node['callee']) ?? [];
      if (object === undefined || !LEVELS.has(level ?? '') || !isLogger(object)) return false;
      return !messagesOf(argumentsOf(node)[0]).every((text) => /^[A-Z].*[^.]$/.test(text ?? ''));
    },
    'the log message has to be a literal with a capital and without a period; put facts into fields',
  );

/** Every test runs everywhere, and none hides the others. */
export const nothingHidden: Rule = (source) =>
  find(
    source,
    (node) =>
      ['test', 'it', 'describe'].some((name) =>
        isMember(node, name, 'skip', 'skipIf', 'runIf', 'only', 'todo', 'fails'),
      ),
    'is skipped or singled out',
  );
