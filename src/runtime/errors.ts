/** What the control loops need to know of an error, and how errors are put into log lines. */
import { KubernetesError } from './kubernetes.ts';
import type { LogFields } from './log.ts';

/** Trying again would not help before something changes: the work queue drops the key until its next event. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
  readonly code = 'terminal';

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
  }
}

/** True when `error` is only the news that `signal` was aborted. */
export const isAbort = (error: unknown, signal: AbortSignal): boolean =>
  signal.aborted && (error === signal.reason || (error instanceof Error && error.name === 'AbortError'));

/** The keys of an error in a log line. Stacks are for errors of ours, not for answers of a server. */
export function errorFields(error: unknown): LogFields {
  if (!(error instanceof Error)) return { error: String(error) };
  const fields: LogFields = { error: error.message };
  if ('code' in error && error.code !== undefined) fields['code'] = error.code;
  if (error instanceof KubernetesError) {
    if (error.status !== 0) fields['status'] = error.status;
  } else {
    fields['stack'] = error.stack;
  }
  if (error.cause !== undefined) fields['cause'] = causeText(error.cause);
  return fields;
}

const causeText = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
