/** The name of an object, as kube-apiserver wants it. */
import type { ObjectMeta } from '../../runtime/kubernetes.ts';
import type { Located } from './errors.ts';

const LABEL = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const SUBDOMAIN = `${LABEL}(\\.${LABEL})*`;
const MAX_LENGTH = 253;

/** What is wrong with the name. */
export const nameErrors = (metadata: ObjectMeta | undefined): Located[] => {
  // What people write may be without, or hold something else.
  const written: unknown = metadata?.name;
  const name = typeof written === 'string' ? written : '';
  const error = (message: string, reason: Located['reason']): Located => ({
    at: ['metadata', 'name'],
    value: name,
    blocks: false,
    reason,
    message,
  });
  if (name === '') return [error('Required value: name or generateName is required', 'FieldValueRequired')];
  const invalid = (text: string) =>
    error(`Invalid value: ${JSON.stringify(name)}: ${text}`, 'FieldValueInvalid');
  return [
    ...(name.length > MAX_LENGTH ? [invalid(`must be no more than ${MAX_LENGTH} bytes`)] : []),
    ...(new RegExp(`^${SUBDOMAIN}$`).test(name)
      ? []
      : [
          invalid(
            `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${SUBDOMAIN}')`,
          ),
        ]),
  ];
};
