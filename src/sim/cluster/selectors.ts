/** Label and field selectors, as queries spell them and as objects do. */
import type { LabelSelector } from '../../api/core.ts';
import { badRequest } from './errors.ts';
import { isLabelValue, isQualifiedName } from './metadata.ts';

export type Labels = Readonly<Record<string, string>>;
export type LabelPredicate = (labels: Labels) => boolean;

/** One term of a field selector. */
export interface FieldTerm {
  field: string;
  value: string;
  equal: boolean;
}

const SET_TERM = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/;
const EQUALITY_TERM = /^([^=!\s]+)\s*(==|=|!=)\s*(\S*)$/;

/** @throws KubernetesError 400 when it cannot be read. */
export function parseLabelSelector(text: string | undefined): LabelPredicate {
  if (text === undefined || text.trim() === '') return () => true;
  const terms = splitTerms(text).map((term) => parseLabelTerm(term.trim()));
  return (labels) => terms.every((holds) => holds(labels));
}

/** Commas between parentheses do not separate terms. */
const splitTerms = (text: string): string[] => text.split(/,(?![^(]*\))/);

function parseLabelTerm(term: string): LabelPredicate {
  const set = SET_TERM.exec(term);
  if (set !== null) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return requirement(key, operator === 'in' ? 'In' : 'NotIn', values);
  }
  const equality = EQUALITY_TERM.exec(term);
  if (equality !== null) {
    const [, key = '', operator, value = ''] = equality;
    return requirement(key, operator === '!=' ? 'NotIn' : 'In', [value]);
  }
  const absent = term.startsWith('!');
  return requirement(absent ? term.slice(1).trim() : term, absent ? 'DoesNotExist' : 'Exists', []);
}

function requirement(key: string, operator: string, values: readonly string[]): LabelPredicate {
  if (!isQualifiedName(key))
    throw badRequest(`unable to parse requirement: invalid label key ${JSON.stringify(key)}`);
  const wrong = values.find((value) => !isLabelValue(value));
  if (wrong !== undefined)
    throw badRequest(`unable to parse requirement: invalid label value ${JSON.stringify(wrong)}`);
  switch (operator) {
    case 'In':
      return (labels) => values.includes(labels[key] ?? '') && key in labels;
    case 'NotIn':
      return (labels) => !(key in labels) || !values.includes(labels[key] ?? '');
    case 'Exists':
      return (labels) => key in labels;
    case 'DoesNotExist':
      return (labels) => !(key in labels);
    default:
      throw badRequest(`${JSON.stringify(operator)} is not a valid label selector operator`);
  }
}

/** A selector inside an object: absent matches nothing, empty matches everything. */
export function matchesSelector(selector: LabelSelector | undefined, labels: Labels | undefined): boolean {
  if (selector === undefined) return false;
  const found = labels ?? {};
  const exact = Object.entries(selector.matchLabels ?? {});
  return (
    exact.every(([key, value]) => found[key] === value) &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) =>
      requirement(key, operator, values)(found),
    )
  );
}

/** @throws KubernetesError 400 when it cannot be read, or names a field that is not in `known`. */
export function parseFieldSelector(text: string | undefined, known: readonly string[]): FieldTerm[] {
  if (text === undefined || text.trim() === '') return [];
  return text.split(',').map((part) => {
    const match = EQUALITY_TERM.exec(part.trim());
    if (match === null) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
    const [, field = '', operator, value = ''] = match;
    if (!known.includes(field))
      throw badRequest(
        `"${field}" is not a known field selector: only ${known.map((name) => `"${name}"`).join(', ')}`,
      );
    return { field, value, equal: operator !== '!=' };
  });
}
