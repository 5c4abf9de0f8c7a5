/**
 * What agents and the API server say to each other over HTTPS (design 7): paths, the lines of the shadow stream, the
 * body of a report, and problems as in RFC 9457. This file pulls in no library, so that the agent's bundle can import
 * it; the schema of a report is in statusreport.ts.
 */
import type { BottlerocketShadow, ShadowSpec } from './v2/bottlerocketshadow.ts';
export type { StatusReport } from './statusreport.ts';

/** GET: the caller's own shadow, read live; with `?watch=true` a stream of `StreamLine`s. */
export const SHADOW_PATH = '/v2/shadow';
/** PUT: a `StatusReport`; answered with a `ReportAccepted`. */
export const STATUS_PATH = '/v2/shadow/status';
/** Content type of the stream: one JSON value a line, each line ended by "\n". */
export const STREAM_CONTENT_TYPE = 'application/x-ndjson';
/** Content type of every answer that is no 2xx. */
export const PROBLEM_CONTENT_TYPE = 'application/problem+json';
/** A stream carries a line at least this often; silence of several times this length means that it is dead. */
export const HEARTBEAT_INTERVAL_MS = 20_000;

/** A shadow as an agent sees it: what it needs, and of `status` its own part alone. */
export interface WireShadow {
  metadata: {
    name: string;
    /** UID of this very shadow; another one means that it was made anew. */
    uid: string;
    /** Grows with every change of `spec`. An agent never acts on a lower one than it has seen for this uid. */
    generation: number;
    /** Set while the shadow is being deleted. */
    deletionTimestamp?: string;
  };
  spec: ShadowSpec;
  status?: Pick<
    NonNullable<BottlerocketShadow['status']>,
    'current_state' | 'current_version' | 'target_version' | 'host'
  >;
}

/**
 * One line of the stream. The first is the current object, or the first HEARTBEAT where there is no shadow yet. After
 * a slow moment only the latest state is sent. Readers ignore types that they do not know.
 */
export type StreamLine =
  | { type: 'SHADOW'; object: WireShadow }
  /** The shadow was deleted; the stream stays open for its successor. */
  | { type: 'GONE' }
  /** Nothing changed. `at` is the server's wall clock, RFC 3339. */
  | { type: 'HEARTBEAT'; at: string };

/** The answer to `GET /v2/shadow`. */
export type ShadowAnswer = Extract<StreamLine, { type: 'SHADOW' }>;

/** The answer to a report that was recorded. Only this 2xx lets an agent go on (protocol 4 and 5). */
export interface ReportAccepted {
  uid: string;
  generation: number;
  /** The `seq` that is recorded now. */
  seq: number;
}

/**
 * The closed table of what can be wrong, by stable code. `status` is the HTTP status, `retry` what an agent does next:
 * `later` = the same request again after a pause (Retry-After when given), `reread` = read the shadow live and make a
 * new report, `token` = read the token file again, `never` = repeating cannot help.
 */
export const PROBLEMS = {
  BadRequest: { status: 400, retry: 'never', title: 'The request is not HTTP or not JSON as it should be.' },
  TokenMissing: { status: 401, retry: 'token', title: 'There is no bearer token.' },
  TokenInvalid: {
    status: 401,
    retry: 'token',
    title: 'Kubernetes does not know this token for our audience.',
  },
  TokenExpired: { status: 401, retry: 'token', title: 'The token has expired.' },
  WrongServiceAccount: {
    status: 403,
    retry: 'never',
    title: "The token is not of the agents' ServiceAccount.",
  },
  TokenNotBound: { status: 403, retry: 'never', title: 'The token is not bound to a pod on a node.' },
  PodReplaced: { status: 403, retry: 'token', title: 'The pod of the token no longer exists.' },
  NodeMismatch: { status: 403, retry: 'token', title: 'The shadow belongs to another node of that name.' },
  ShadowNotFound: { status: 404, retry: 'later', title: 'There is no shadow for this node yet.' },
  NotFound: { status: 404, retry: 'never', title: 'There is nothing at this path.' },
  MethodNotAllowed: { status: 405, retry: 'never', title: 'This path does not know the method.' },
  StaleShadow: { status: 409, retry: 'reread', title: 'The report is for another shadow of this name.' },
  StaleGeneration: { status: 409, retry: 'reread', title: 'The report was made for another generation.' },
  StaleSeq: { status: 409, retry: 'reread', title: 'The report is not the successor of the recorded one.' },
  IllegalState: { status: 409, retry: 'reread', title: 'This state may not be reported now.' },
  StickyErrorReset: { status: 409, retry: 'reread', title: 'ErrorReset stays until spec.state changes.' },
  NotStaged: { status: 409, retry: 'reread', title: 'Nothing is recorded as staged for this attempt.' },
  NotRebooted: { status: 409, retry: 'reread', title: 'The report shows no reboot into the target.' },
  NotDisarmed: { status: 409, retry: 'reread', title: 'Something is still staged, saved or intended.' },
  ErrorMissing: { status: 409, retry: 'reread', title: 'ErrorReset needs host.error.' },
  IllegalIntent: { status: 409, retry: 'reread', title: 'A reboot intent is not permitted in this state.' },
  IntentTooLate: { status: 409, retry: 'reread', title: 'The time for a reboot has passed.' },
  IntentOpen: { status: 409, retry: 'reread', title: 'The open reboot intent would be lost.' },
  ShadowDeleted: { status: 409, retry: 'reread', title: 'The shadow is being deleted.' },
  Conflict: { status: 409, retry: 'reread', title: 'The shadow kept changing while the report was checked.' },
  BodyTooLarge: { status: 413, retry: 'never', title: 'The body is larger than allowed.' },
  UnsupportedMediaType: { status: 415, retry: 'never', title: 'The body is not application/json.' },
  InvalidReport: { status: 422, retry: 'never', title: 'The report has a wrong shape.' },
  TooManyRequests: { status: 429, retry: 'later', title: 'Too many requests from this agent.' },
  TooManyReviews: { status: 429, retry: 'later', title: 'Too many tokens are being reviewed.' },
  Internal: { status: 500, retry: 'later', title: 'The request failed for a reason of our own.' },
  ReviewUnavailable: { status: 503, retry: 'later', title: 'The token could not be reviewed.' },
  KubernetesUnavailable: { status: 503, retry: 'later', title: 'Kubernetes did not answer.' },
  OutcomeUnknown: { status: 503, retry: 'reread', title: 'It is not known whether the report was recorded.' },
  NotReady: { status: 503, retry: 'later', title: 'This replica has not seen all shadows yet.' },
  ShuttingDown: { status: 503, retry: 'later', title: 'This replica is being stopped.' },
} as const satisfies Record<
  string,
  { status: number; retry: 'later' | 'reread' | 'token' | 'never'; title: string }
>;

export type ProblemCode = keyof typeof PROBLEMS;

/** The body of every answer that is no 2xx (RFC 9457). Decide by `code`; the texts are for people. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: ProblemCode;
  detail?: string;
  /** Path of the field that is wrong, such as `/host/seq`. */
  field?: string;
}
