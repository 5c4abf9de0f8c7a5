/** Keeps secrets out of log lines. */
import { errorFields } from './errors.ts';
import type { LogFields } from './log.ts';

const REDACTED = '[redacted]';
/** Names of fields whose value is a secret, in any spelling (`authToken`, `auth_token`). The name of a Secret is none. */
const SECRET_NAME =
  /(token|authorization|password|passphrase|cookie|bearer|(client|api|shared)_?secret|(private|client|api)_?key|secret_?data)s?$/i;
/** A JSON Web Token, or what follows `Bearer`, anywhere in a text. */
const SECRET_TEXT =
  /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|\bBearer\s+[\w.~+/=-]{8,}|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g;
/** Deeper than this nobody reads, and objects that contain themselves end. */
const MAX_DEPTH = 6;

/** A copy of `fields` that is fit for a log: errors as plain fields, secrets replaced, nothing too deep. */
export function redact(fields: LogFields): LogFields {
  return redactObject(fields, 0);
}

/** `text` without tokens and private keys. */
export const redactText = (text: string): string => text.replace(SECRET_TEXT, REDACTED);

function redactObject(object: object, depth: number): LogFields {
  const copy: LogFields = {};
  for (const [name, value] of Object.entries(object))
    copy[name] = SECRET_NAME.test(name) && isSecretValue(value) ? REDACTED : redactValue(value, depth + 1);
  return copy;
}

/** Numbers and booleans are facts about a secret (`tokens: 3`), not secrets. */
const isSecretValue = (value: unknown): boolean =>
  (typeof value === 'string' && value !== '') || (typeof value === 'object' && value !== null);

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) return '[deep]';
  if (value instanceof Error) return redactObject(errorFields(value), depth);
  if (value instanceof Map) return redactObject(Object.fromEntries(value), depth);
  if (value instanceof Set) return redactArray([...value], depth);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return redactArray(value, depth);
  return redactObject(value, depth);
}

const redactArray = (values: readonly unknown[], depth: number): unknown[] =>
  values.map((value) => redactValue(value, depth + 1));
