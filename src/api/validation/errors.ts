/** What validation says, in the words of kube-apiserver. */

/** Where in an object: names of fields, keys of maps, indexes of lists. */
export type Path = readonly (string | number)[];

/** One mistake: what kube-apiserver puts into `details.causes` of its answer. */
export interface FieldError {
  /** As `spec.maintenanceWindows[0].schedule`; `<nil>` when it is about no field. */
  path: string;
  /** Type, value and text, as in `Invalid value: 2000: must be …`. */
  message: string;
  /** Value of the field; undefined when it is missing. */
  value: unknown;
  /** Reason of the cause. */
  reason:
    | 'FieldValueInvalid'
    | 'FieldValueRequired'
    | 'FieldValueNotSupported'
    | 'FieldValueForbidden'
    | 'FieldValueDuplicate'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueTypeInvalid';
}

/** A mistake with its place in the object, before it is shown. */
export interface Located extends Omit<FieldError, 'path'> {
  at: Path;
  /** Shown instead of the path that `at` makes. */
  shownAs?: string;
  /** Place of the rule that found it, where `at` names another: the mistake is old only while all of that is. */
  ruleAt?: Path;
  /** kube-apiserver evaluates no CEL rule of an object with such a mistake. */
  blocks: boolean;
}

/**
 * A path as kube-apiserver writes it: fields after a dot, indexes and keys of maps in brackets. `isKey` says which
 * segments are keys of maps.
 */
export const pathText = (path: Path, isKey: (index: number) => boolean = () => false): string =>
  path
    .map((segment, index) => {
      if (typeof segment === 'number' || isKey(index)) return `[${segment}]`;
      return index === 0 ? segment : `.${segment}`;
    })
    .join('');

/** A value as kube-apiserver shows it in a message. */
export const valueText = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(value) : String(value);
