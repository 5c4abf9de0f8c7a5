/** metav1.LabelSelector as a bounded schema, with what Kubernetes itself would refuse refused at the field. */
import Type from 'typebox';
import type { TUnsafe } from 'typebox';
import type { LabelSelector } from '../core.ts';
import { RULES, Shaped, StringEnum, withRules } from '../schema.ts';
import type { CelRule } from '../schema.ts';

const NAME = '[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?';
/** A label key: a name of at most 63 characters, with a DNS prefix or without. */
export const LABEL_KEY_PATTERN = `^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?${NAME}$`;
const LABEL_VALUE_PATTERN = `^(${NAME})?$`;
const VALUE_MESSAGE =
  'must be a label value: at most 63 letters, digits, "-", "_" or ".", beginning and ending with a letter or digit';

/** A label key. */
export const LabelKey = (description: string): TUnsafe<string> =>
  Shaped(LABEL_KEY_PATTERN, 'must be a label key such as role or topology.kubernetes.io/zone', {
    minLength: 1,
    maxLength: 317,
    description,
  });

const LabelValue = (description: string): TUnsafe<string> =>
  Shaped(LABEL_VALUE_PATTERN, VALUE_MESSAGE, { maxLength: 63, description });

const term = Type.Object(
  {
    key: LabelKey('The label.'),
    operator: StringEnum(['In', 'NotIn', 'Exists', 'DoesNotExist'], {
      description:
        'In: the label has one of values. NotIn: it has none of them, or the label is absent. Exists, DoesNotExist: whatever its value.',
    }),
    values: Type.Optional(
      Type.Array(LabelValue('One value.'), {
        maxItems: 32,
        description: 'Values for In and NotIn; absent for Exists and DoesNotExist.',
      }),
    ),
  },
  {
    description: 'One term; all must hold.',
    ...withRules({
      rule: "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 : !has(self.values) || size(self.values) == 0",
      message: 'In and NotIn need values; Exists and DoesNotExist take none',
      fieldPath: '.values',
    }),
  },
);

/** A selector; `{}` selects everything, unless `nonEmpty` says what to do instead. */
export const Selector = (
  description: string,
  options: { default?: object; nonEmpty?: string } = {},
): TUnsafe<LabelSelector> => {
  const rules: CelRule[] =
    options.nonEmpty === undefined
      ? []
      : [
          {
            rule: '(has(self.matchLabels) && size(self.matchLabels) > 0) || (has(self.matchExpressions) && size(self.matchExpressions) > 0)',
            message: options.nonEmpty,
          },
        ];
  return Type.Unsafe<LabelSelector>({
    ...Type.Object({
      matchLabels: Type.Optional(
        Type.Unsafe<Record<string, string>>({
          type: 'object',
          additionalProperties: LabelValue('The value of the label.'),
          maxProperties: 32,
          description: 'Labels that must have exactly these values.',
          ...withRules({
            rule: `self.all(key, key.matches('${LABEL_KEY_PATTERN}'))`,
            message: 'keys must be label keys such as role or topology.kubernetes.io/zone',
          }),
        }),
      ),
      matchExpressions: Type.Optional(
        Type.Array(term, { maxItems: 32, description: 'Terms that must all hold.' }),
      ),
    }),
    description,
    'x-kubernetes-map-type': 'atomic',
    ...(options.default === undefined ? {} : { default: options.default }),
    ...(rules.length === 0 ? {} : { [RULES]: rules }),
  });
};
