/** From answers of the API server to KubernetesErrors. */
import { KubernetesError, type KubernetesErrorCode } from '../kubernetes.ts';

/** metav1.Status, as far as it is read. */
interface Status {
  message?: string;
  reason?: string;
  code?: number;
  details?: {
    retryAfterSeconds?: number;
    causes?: { reason?: string; message?: string; field?: string }[];
  };
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
  const status = isStatus(object) ? object : {};
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

function retryAfterMsOf(header: string | undefined, seconds: number | undefined): number | undefined {
  const value = header !== undefined && /^\d+$/.test(header) ? Number(header) : seconds;
  return value === undefined || value <= 0 ? undefined : value * 1_000;
}

function parseStatus(body: string): Status | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isStatus(value) ? value : undefined;
  } catch {
    // Proxies and load balancers answer in HTML; the text becomes the message.
    return undefined;
  }
}

/** Some of the server's filters leave the kind out. */
function isStatus(value: unknown): value is Status {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, status } = value as { kind?: unknown; status?: unknown };
  return kind === 'Status' || status === 'Failure';
}

const plainMessage = (httpStatus: number, body: string): string =>
  `the server answered ${httpStatus}: ${body.slice(0, 200).trim()}`;
