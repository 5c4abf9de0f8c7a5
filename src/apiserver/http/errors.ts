/** From whatever was thrown to the problem that is answered. */
import { ApiProblem } from '../problem.ts';

interface FrameworkError {
  code?: string;
  statusCode?: number;
  message: string;
  /** Set by validation: what was validated, and what was found. */
  validationContext?: string;
  validation?: { instancePath: string; message?: string; params?: Record<string, unknown> }[];
}

/** Codes of fastify that have one of ours. */
const BY_CODE: Readonly<Record<string, 'BodyTooLarge' | 'UnsupportedMediaType'>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'BodyTooLarge',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'UnsupportedMediaType',
};

/** @returns the problem; `Internal` with its cause for what nobody expected. */
export function toProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  if (!(error instanceof Error)) return new ApiProblem('Internal', { cause: error });
  const thrown: FrameworkError = error;
  const code = BY_CODE[thrown.code ?? ''];
  if (code !== undefined) return new ApiProblem(code);
  if (thrown.validation !== undefined) return invalid(thrown);
  const status = thrown.statusCode ?? 500;
  if (status >= 400 && status < 500)
    return new ApiProblem('BadRequest', { detail: thrown.message.slice(0, 200) });
  return new ApiProblem('Internal', { cause: error });
}

function invalid(error: FrameworkError): ApiProblem {
  const [first] = error.validation ?? [];
  const allowed = first?.params?.['allowedValues'];
  const values = Array.isArray(allowed) ? `: ${allowed.join(', ')}` : '';
  const path = first?.instancePath ?? '';
  const detail = `${path === '' ? error.validationContext : path} ${first?.message ?? 'is invalid'}${values}`;
  return error.validationContext === 'body'
    ? new ApiProblem('InvalidReport', { detail, field: path })
    : new ApiProblem('BadRequest', { detail });
}
