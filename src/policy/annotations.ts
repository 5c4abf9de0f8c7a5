/** What people say about a node or a policy by annotation. They are statements, never removed by us. */
import { EXCLUDE_ANNOTATION, RESUME_ANNOTATION, RETRY_ANNOTATION, RUN_NOW_ANNOTATION } from '../api/names.ts';
import { collect } from './errors.ts';
import type { FieldError } from './errors.ts';
import { parseInstant } from './instant.ts';

export type Annotations = Readonly<Record<string, string>>;

/** What the annotations of a node ask for. */
export interface NodeControls {
  /** Never touch the node. */
  readonly excluded: boolean;
  /** Windows and blackouts do not apply to the node before this instant. */
  readonly runNowUntilMs: number | undefined;
  /** Back-off and failures of the node from before this instant are cleared. */
  readonly retryAtMs: number | undefined;
  /** Annotations that could not be read, or say what they cannot say. */
  readonly errors: readonly FieldError[];
}

const NONE: NodeControls = { excluded: false, runNowUntilMs: undefined, retryAtMs: undefined, errors: [] };

/**
 * Reads the controls of a node. What cannot be read never starts anything: a `run-now` or `retry` is ignored, an
 * `exclude` that is neither "true" nor "false" excludes. A `retry` in the future is ignored until its time has come.
 */
export function nodeControls(annotations: Annotations | undefined, now: number): NodeControls {
  if (annotations === undefined) return NONE;
  const exclude = annotations[EXCLUDE_ANNOTATION];
  const runNow = annotations[RUN_NOW_ANNOTATION];
  const retry = annotations[RETRY_ANNOTATION];
  if (exclude === undefined && runNow === undefined && retry === undefined) return NONE;
  const errors: FieldError[] = [];
  if (exclude !== undefined && exclude !== 'true' && exclude !== 'false')
    errors.push({
      path: pathOf(EXCLUDE_ANNOTATION),
      value: exclude,
      message: `"${exclude}" is neither "true" nor "false"; the node counts as excluded until it is one of them`,
    });
  return {
    excluded: exclude !== undefined && exclude !== 'false',
    runNowUntilMs: readInstant(runNow, RUN_NOW_ANNOTATION, errors),
    retryAtMs: notInFuture(retry, RETRY_ANNOTATION, { now, errors }),
    errors,
  };
}

/** What the annotations of a policy ask for. */
export interface PolicyControls {
  /** A halt from before this instant is over. */
  readonly resumeAtMs: number | undefined;
  readonly errors: readonly FieldError[];
}

/** Reads the controls of a policy. A `resume` in the future is an error: it would resume what has not happened yet. */
export function policyControls(annotations: Annotations | undefined, now: number): PolicyControls {
  const errors: FieldError[] = [];
  const resumeAtMs = notInFuture(annotations?.[RESUME_ANNOTATION], RESUME_ANNOTATION, { now, errors });
  return { resumeAtMs, errors };
}

/** Whether something of an instant has been cleared by a statement: it has when it is not later than the statement. */
export const clearedBy = (atMs: number, statementMs: number | undefined): boolean =>
  statementMs !== undefined && atMs <= statementMs;

const pathOf = (annotation: string): string => `metadata.annotations["${annotation}"]`;

function readInstant(text: string | undefined, name: string, errors: FieldError[]): number | undefined {
  return text === undefined
    ? undefined
    : collect(errors, { path: pathOf(name), value: text }, () => parseInstant(text));
}

function notInFuture(
  text: string | undefined,
  name: string,
  into: { now: number; errors: FieldError[] },
): number | undefined {
  const instant = readInstant(text, name, into.errors);
  if (instant === undefined || instant <= into.now) return instant;
  into.errors.push({
    path: pathOf(name),
    value: text,
    message: `"${text ?? ''}" is in the future: write the time of the statement, which clears what was before it`,
  });
  return undefined;
}
