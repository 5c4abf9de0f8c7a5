/** metav1.LabelSelector: what is wrong with one, and a predicate that is fast on many nodes. */
import type { LabelSelector } from '../api/core.ts';
import type { FieldError } from './errors.ts';

export type Labels = Readonly<Record<string, string>>;
/** Whether labels are selected; absent labels are none. */
export type Selector = (labels: Labels | undefined) => boolean;

const NAME = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;
const PREFIX = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
const VALUE = /^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/;

/** What is wrong with a label key; undefined when nothing is. */
export function labelKeyProblem(key: string): string | undefined {
  const slash = key.indexOf('/');
  const valid = NAME.test(key.slice(slash + 1)) && (slash < 0 || PREFIX.test(key.slice(0, slash)));
  return valid
    ? undefined
    : `"${key}" is not a label key: at most 63 letters, digits, "-", "_" and ".", a letter or digit first and last, and before it perhaps a DNS name and "/"`;
}

/** What is wrong with the value of a label; undefined when nothing is. */
export function labelValueProblem(value: string): string | undefined {
  return VALUE.test(value)
    ? undefined
    : `"${value}" is not a label value: at most 63 letters, digits, "-", "_" and ".", a letter or digit first and last`;
}

interface Term {
  readonly path: string;
  readonly key: string;
  readonly operator: string;
  readonly values: readonly string[];
}

function termsOf(selector: LabelSelector): Term[] {
  const labels = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => ({
    path: `matchLabels["${key}"]`,
    key,
    operator: 'In',
    values: [value],
  }));
  const expressions = (selector.matchExpressions ?? []).map(({ key, operator, values }, index) => ({
    path: `matchExpressions[${index}]`,
    key,
    operator,
    values: values ?? [],
  }));
  return [...labels, ...expressions];
}

function termProblem({ key, operator, values }: Term): string | undefined {
  const problem = labelKeyProblem(key);
  if (problem !== undefined) return problem;
  switch (operator) {
    case 'In':
    case 'NotIn':
      return values.length === 0
        ? `operator ${operator} needs values: list at least one`
        : values.map(labelValueProblem).find((each) => each !== undefined);
    case 'Exists':
    case 'DoesNotExist':
      return values.length === 0 ? undefined : `operator ${operator} takes no values: remove them`;
    default:
      return `operator "${operator}" is unknown: use In, NotIn, Exists or DoesNotExist`;
  }
}

/** Everything wrong with a selector, at paths below `path`. Nothing is wrong with an absent one. */
export function selectorErrors(selector: LabelSelector | null | undefined, path: string): FieldError[] {
  return termsOf(selector ?? {}).flatMap((term) => {
    const message = termProblem(term);
    return message === undefined ? [] : [{ path: `${path}.${term.path}`, value: term.values, message }];
  });
}

/**
 * The predicate of a selector: all terms must hold; the empty selector selects everything. A term that is wrong
 * (selectorErrors) is left out, so that a broken selector selects more and never less than was meant: a policy that
 * starts nothing keeps its nodes from one of lower priority.
 */
export function compileSelector(selector: LabelSelector | null | undefined): Selector {
  const tests = termsOf(selector ?? {})
    .filter((term) => termProblem(term) === undefined)
    .map(compileTerm);
  const [first, ...rest] = tests;
  if (first === undefined) return () => true;
  if (rest.length === 0) return first;
  return (labels) => tests.every((test) => test(labels));
}

function compileTerm({ key, operator, values }: Term): Selector {
  const has: Selector = (labels) => labels !== undefined && Object.hasOwn(labels, key);
  const [only = ''] = values;
  const accepted = new Set(values);
  const isIn: Selector =
    values.length === 1
      ? (labels) => labels?.[key] === only
      : (labels) => has(labels) && accepted.has(labels?.[key] ?? '');
  switch (operator) {
    case 'In':
      return isIn;
    case 'NotIn':
      return (labels) => !isIn(labels);
    case 'Exists':
      return has;
    default:
      return (labels) => !has(labels);
  }
}
