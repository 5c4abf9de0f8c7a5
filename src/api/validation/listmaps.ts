/** Lists whose items are known by a key (`x-kubernetes-list-type: map`): no key may come twice. */
import type { StructuralSchema } from '../structural.ts';
import type { Located, Path } from './errors.ts';
import { valueText } from './errors.ts';

type Fields = Record<string, unknown>;

const keyOf = (keys: readonly string[], item: unknown): string =>
  JSON.stringify(Object.fromEntries(keys.map((key) => [key, (item as Fields | null)?.[key]])));

const inList = (schema: StructuralSchema, list: readonly unknown[], at: Path): Located[] => {
  const keys = schema['x-kubernetes-list-map-keys'];
  if (schema['x-kubernetes-list-type'] !== 'map' || keys === undefined) return [];
  const seen = new Set<string>();
  return list.flatMap((item, index): Located[] => {
    if (typeof item !== 'object' || item === null || Array.isArray(item))
      return [
        {
          at: [...at, index],
          value: item,
          blocks: true,
          reason: 'FieldValueInvalid',
          message: `Invalid value: ${valueText(item)}: must be an object for an array of list-type map`,
        },
      ];
    const key = keyOf(keys, item);
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    return [
      {
        at: [...at, index],
        value: item,
        blocks: false,
        reason: 'FieldValueDuplicate' as const,
        message: `Duplicate value: ${key}`,
      },
    ];
  });
};

/** Items of list-maps whose key an earlier item has, or that can have none. */
export const duplicates = (schema: StructuralSchema, value: unknown, at: Path = []): Located[] => {
  if (Array.isArray(value))
    return [
      ...inList(schema, value, at),
      ...value.flatMap((item, index) => duplicates(schema.items ?? {}, item, [...at, index])),
    ];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) => {
    const inner = schema.properties?.[name];
    return inner === undefined ? [] : duplicates(inner, each, [...at, name]);
  });
};
