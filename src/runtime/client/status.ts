/** From answers of the API server to KubernetesErrors. */
import { KubernetesError, type KubernetesErrorCode } from '../kubernetes.ts';

interface Cause {
  reason?: string;
  message?: string;
  field?: string;
}

interface Details {
  retryAfterSeconds?: number;
  causes?: Cause[];
}

/** metav1.Status, as far as it is read. */
interface Status {
  message?: string;
  reason?: string;
  code?: number;
  details?: Details;
}

const CODES: Readonly<Record<number, KubernetesErrorCode>> = {
  401: 'unauthorized',
  403: 'forbidden',
  404: 'notFound',
  408: 'unknown',
  409: 'conflict',
  410: 'expired',
  429: 'throttled',
};

/** Every 4xx without an entry is a request that the server refused as it stood, so it has not been carried out. */
function errorCode(httpStatus: number, reason: string | undefined): KubernetesErrorCode {
  if (httpStatus === 409 && reason === 'AlreadyExists') return 'alreadyExists';
  const code = CODES[httpStatus];
  if (code !== undefined) return code;
  return httpStatus >= 400 && httpStatus < 500 ? 'invalid' : 'server';
}

/** The error of an answer that is no 2xx. `body` is a Status, or whatever something in between wrote. */
export function answerError(httpStatus: number, body: string, retryAfter?: string): KubernetesError {
  const status = parseStatus(body);
  return statusError(httpStatus, status ?? { message: plainMessage(httpStatus, body) }, retryAfter);
}

/** The error of an ERROR event in a watch. */
export function eventError(object: unknown): KubernetesError {
  const status = readStatus(object) ?? {};
  return statusError(status.code ?? 500, status);
}

function statusError(httpStatus: number, status: Status, retryAfter?: string): KubernetesError {
  const retryAfterMs = retryAfterMsOf(retryAfter, status.details?.retryAfterSeconds);
  return new KubernetesError(
    errorCode(httpStatus, status.reason),
    status.message ?? status.reason ?? `the API server answered ${httpStatus}`,
    {
      status: httpStatus,
      causes: status.details?.causes ?? [],
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    },
  );
}

/** No answer: refused, reset, timed out, unreadable. */
export const noAnswer = (message: string, cause?: unknown): KubernetesError =>
  new KubernetesError('unknown', message, cause === undefined ? {} : { cause });

/** Nothing that is asked for longer is asked for by an API server. */
const MAX_RETRY_AFTER_MS = 3_600_000;

function retryAfterMsOf(header: string | undefined, seconds: number | undefined): number | undefined {
  const value = header !== undefined && /^\d+$/.test(header) ? Number(header) : seconds;
  return value === undefined || value <= 0 ? undefined : Math.min(value * 1_000, MAX_RETRY_AFTER_MS);
}

function parseStatus(body: string): Status | undefined {
  try {
    return readStatus(JSON.parse(body));
  } catch {
    // Proxies and load balancers answer in HTML; the text becomes the message.
    return undefined;
  }
}

type Fields = Record<string, unknown>;

const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

const numberOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

/** Leaves out what is undefined. */
const known = <T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;

const causeOf = (value: unknown): Cause => {
  const { reason, message, field } = fieldsOf(value);
  return known<Cause>({ reason: textOf(reason), message: textOf(message), field: textOf(field) });
};

/**
 * Whatever of a Status can be read; undefined for what is none. Some of the server's filters leave the kind out, and
 * what stands before the server may write anything.
 */
function readStatus(value: unknown): Status | undefined {
  const { kind, status, message, reason, code, details } = fieldsOf(value);
  if (kind !== 'Status' && status !== 'Failure') return undefined;
  const { retryAfterSeconds, causes } = fieldsOf(details);
  return known<Status>({
    message: textOf(message),
    reason: textOf(reason),
    code: numberOf(code),
    details: known<Details>({
      retryAfterSeconds: numberOf(retryAfterSeconds),
      causes: Array.isArray(causes) ? causes.map(causeOf) : undefined,
    }),
  });
}

const plainMessage = (httpStatus: number, body: string): string =>
  `the server answered ${httpStatus}: ${body.slice(0, 200).trim()}`;
