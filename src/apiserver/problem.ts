/** A request that is refused or cannot be served, in the closed table of the wire. */
import type { Problem, ProblemCode } from '../api/wire.ts';
import { PROBLEMS } from '../api/wire.ts';

export interface ProblemFields {
  /** What is wrong in this very case, for a person. Never a token. */
  detail?: string;
  /** JSON pointer of the field that is wrong. */
  field?: string;
  /** When to come back, at the earliest; rounded up to whole seconds in the answer. */
  retryAfterMs?: number;
  cause?: unknown;
}

/** Thrown by the core; the adapter turns it into problem+json. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem';
  readonly code: ProblemCode;
  readonly detail: string | undefined;
  readonly field: string | undefined;
  readonly retryAfterMs: number | undefined;

  constructor(code: ProblemCode, fields: ProblemFields = {}) {
    super(
      fields.detail ?? PROBLEMS[code].title,
      fields.cause === undefined ? undefined : { cause: fields.cause },
    );
    this.code = code;
    this.detail = fields.detail;
    this.field = fields.field;
    this.retryAfterMs = fields.retryAfterMs;
  }

  /** HTTP status of the answer. */
  get status(): number {
    return PROBLEMS[this.code].status;
  }

  /** The body of the answer. */
  toBody(): Problem {
    const { status, title } = PROBLEMS[this.code];
    return {
      type: 'about:blank',
      title,
      status,
      code: this.code,
      ...(this.detail === undefined ? {} : { detail: this.detail }),
      ...(this.field === undefined ? {} : { field: this.field }),
    };
  }
}
