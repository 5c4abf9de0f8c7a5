/** The API's router: which request does what, with the exact codes, bodies and headers of the real one. */
import type { DispatcherExit, UpdateDispatcher } from './dispatcher.ts';
import { InvalidSettings, nest, parseSettingsBody } from './settings.ts';
import type { Leaf, Settings, SettingsStore } from './settings.ts';
import type { Command } from './status.ts';
import type { Image } from './versions.ts';

export interface HostHttpRequest {
  method: string;
  /** With the query. */
  path: string;
  body?: string;
  /** Value of the content-type header. */
  contentType?: string;
}

/** `cut`: the connection is closed without an answer. */
export type HostHttpResponse = { kind: 'response'; answer: HttpAnswer } | { kind: 'cut' };

export interface HttpAnswer {
  status: number;
  /** Absent on the API's own errors and on most 204s. */
  contentType?: string;
  body: string;
}

/** What the router needs of the machine. */
export interface RouterParts {
  dispatcher: UpdateDispatcher;
  settings: SettingsStore;
  image: () => Image;
  buildId: string;
  /** Asks for a reboot. */
  reboot: () => HostHttpResponse;
  /** True when PATCH /settings is to fail. */
  settingsRefused: () => boolean;
  /** True when the answer to a commit is to be lost. */
  commitLost: () => boolean;
}

/** Largest JSON body. */
export const JSON_LIMIT_BYTES = 2 * 1024 * 1024;

const JSON_TYPE = 'application/json';
const TEXT_TYPE = 'text/plain; charset=utf-8';

const json = (value: unknown): HttpAnswer => ({
  status: 200,
  contentType: JSON_TYPE,
  body: JSON.stringify(value),
});
/** An error of the API itself: bare text without a type. */
const problem = (status: number, body: string): HttpAnswer => ({ status, body });
const NO_CONTENT: HttpAnswer = { status: 204, body: '' };
const NOT_FOUND: HttpAnswer = { status: 404, body: '' };

const EXITS: Readonly<Record<DispatcherExit, HttpAnswer>> = {
  ok: NO_CONTENT,
  lockHeld: problem(423, 'Update lock held'),
  disallowed: problem(409, 'Update action not allowed according to update state'),
  updateDoesNotExist: problem(404, 'Previously chosen Update no longer exists'),
  noStagedImage: problem(404, 'No update image applied to staging partition'),
  failed: problem(500, 'Update dispatcher failed'),
  cannotStart: problem(500, 'Unable to start the update dispatcher: No such file or directory (os error 2) '),
};

interface Call {
  request: HostHttpRequest;
  query: URLSearchParams;
  parts: RouterParts;
}
type Route = (call: Call) => HttpAnswer | HostHttpResponse;

const command =
  (name: Command): Route =>
  ({ parts }) =>
    EXITS[parts.dispatcher.start(name)];

const updateStatus: Route = ({ parts }) => {
  const read = parts.dispatcher.read();
  switch (read.kind) {
    case 'file':
      return { status: 200, contentType: JSON_TYPE, body: read.text };
    case 'locked':
      return problem(
        423,
        'Unable to obtain shared lock for reading update status: Resource temporarily unavailable (os error 11)',
      );
    case 'uninitialized':
      return problem(404, 'Update status is uninitialized, refresh-updates to initialize it');
    case 'unparsable':
      return problem(500, 'Update dispatcher failed');
    case 'noLockDirectory':
      return problem(500, 'Unable to open update lock file: No such file or directory (os error 2)');
  }
};

const EMPTY_PREFIX = problem(400, "Input 'prefix' cannot be empty");

function osRelease(parts: RouterParts): Record<string, string> {
  const { arch, version, variant } = parts.image();
  return {
    arch,
    build_id: parts.buildId,
    pretty_name: `Bottlerocket OS ${version} (${variant})`,
    variant_id: variant,
    version_id: version,
  };
}

const os: Route = ({ parts, query }) => {
  const prefix = query.get('prefix');
  if (prefix === '') return EMPTY_PREFIX;
  const wanted = (prefix ?? '').replace(/^os\./, '');
  return json(Object.fromEntries(Object.entries(osRelease(parts)).filter(([key]) => key.startsWith(wanted))));
};

const getSettings: Route = ({ parts, query }) => {
  const { live } = parts.settings;
  const [keys, prefix] = [query.get('keys'), query.get('prefix')];
  if (keys === '') return problem(400, "Input 'keys' cannot be empty");
  if (keys !== null) return json(nest([...live].filter(([name]) => keys.split(',').includes(name))));
  if (prefix === '') return EMPTY_PREFIX;
  const start = `settings.${(prefix ?? '').replace(/^settings\./, '')}`;
  return json(nest([...live].filter(([name]) => name.startsWith(start))));
};

const txOf = (query: URLSearchParams): string => query.get('tx') ?? 'default';

const refuse = (status: number, body: string): { refusal: HttpAnswer } => ({
  refusal: { status, contentType: TEXT_TYPE, body },
});

/** The body as JSON, or the answer of the extractor that refuses it. */
function jsonBody({ request }: Call): { value: unknown } | { refusal: HttpAnswer } {
  if (!/^application\/json\b/i.test(request.contentType ?? '')) return refuse(400, 'Content type error');
  const text = request.body ?? '';
  if (Buffer.byteLength(text) > JSON_LIMIT_BYTES)
    return refuse(
      413,
      `JSON payload (${Buffer.byteLength(text)} bytes) is larger than allowed (limit: 2097152 bytes).`,
    );
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return refuse(400, `Json deserialize error: ${(error as Error).message}`);
  }
}

/** Stores what `read` makes of the body in the transaction of the query. */
function patchWith(call: Call, read: (value: unknown) => Settings): HttpAnswer {
  if (call.parts.settingsRefused()) return problem(500, 'Data store error during settings write: I/O error');
  const body = jsonBody(call);
  if ('refusal' in body) return body.refusal;
  try {
    call.parts.settings.patch(txOf(call.query), read(body.value));
    return NO_CONTENT;
  } catch (error) {
    if (!(error instanceof InvalidSettings)) throw error;
    return { status: 400, contentType: TEXT_TYPE, body: `Json deserialize error: ${error.message}` };
  }
}

const patchSettings: Route = (call) => patchWith(call, parseSettingsBody);

function scalar(text: string): Leaf {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^\d+$/.test(text) ? Number(text) : text;
}

const patchKeypairs: Route = (call) => {
  const parsed = jsonBody(call);
  const payload = 'value' in parsed ? (parsed.value as { request_payload?: string[] } | null) : null;
  const bad = payload?.request_payload?.find((pair) => !pair.includes('='));
  if (bad !== undefined) return problem(400, `Failed to split the string: ${bad}`);
  return patchWith(call, (value) => {
    const pairs = (value as { request_payload?: unknown } | null)?.request_payload;
    if (!Array.isArray(pairs)) throw new InvalidSettings('missing field `request_payload`');
    const leaves = pairs.map((pair: string): [string, Leaf] => {
      const at = pair.indexOf('=');
      return [`settings.${pair.slice(0, at).replace(/^settings\./, '')}`, scalar(pair.slice(at + 1))];
    });
    return parseSettingsBody(nest(leaves));
  });
};

const commit =
  (isApplied: boolean): Route =>
  ({ parts, query }) => {
    const keys = parts.settings.commit(txOf(query));
    if (keys === undefined) return problem(422, 'Tried to commit with no pending changes');
    if (isApplied) parts.settings.apply();
    return parts.commitLost() ? { kind: 'cut' } : json(keys);
  };

const apply: Route = ({ parts }) => {
  parts.settings.apply();
  return { ...NO_CONTENT, contentType: JSON_TYPE };
};

const model: Route = ({ parts }) =>
  json({
    settings: nest(parts.settings.live),
    services: {},
    'configuration-files': {},
    os: osRelease(parts),
  });

/** A report is text, even when JSON is asked for. */
const report =
  (name: string): Route =>
  ({ query }) => ({
    status: 200,
    contentType: 'application/text',
    body:
      query.get('format') === 'json'
        ? JSON.stringify({ benchmark: name, results: [] })
        : `Benchmark name:  ${name}\nPassed:          0\nFailed:          0\n`,
  });

const ROUTES: Readonly<Record<string, Route>> = {
  'GET /': model,
  'GET /os': os,
  'GET /updates/status': updateStatus,
  'POST /actions/refresh-updates': command('refresh'),
  'POST /actions/prepare-update': command('prepare'),
  'POST /actions/activate-update': command('activate'),
  'POST /actions/deactivate-update': command('deactivate'),
  'POST /actions/reboot': ({ parts }) => parts.reboot(),
  'GET /settings': getSettings,
  'PATCH /settings': patchSettings,
  'PATCH /settings/keypair': patchKeypairs,
  'GET /tx': ({ parts, query }) => json(nest(parts.settings.pending(txOf(query)))),
  'GET /tx/list': ({ parts }) => json(parts.settings.transactions()),
  'DELETE /tx': ({ parts, query }) => json(parts.settings.drop(txOf(query))),
  'POST /tx/commit': commit(false),
  'POST /tx/commit_and_apply': commit(true),
  'POST /tx/apply': apply,
  'GET /services': () => json({}),
  'GET /configuration-files': () => json({}),
  'GET /metadata/affected-services': () => json({}),
  'GET /metadata/setting-generators': () => json({}),
  'GET /metadata/templates': () => json({}),
  'GET /actions/ephemeral-storage/list-disks': () => json([]),
  'GET /actions/ephemeral-storage/list-dirs': () => json([]),
  'POST /actions/ephemeral-storage/init': () => NO_CONTENT,
  'POST /actions/ephemeral-storage/bind': () => NO_CONTENT,
  'GET /report/cis': report('CIS Bottlerocket Benchmark'),
  'GET /report/fips': report('FIPS Security Policy'),
  'GET /report': () => json([{ name: 'cis', description: 'CIS Bottlerocket Benchmark' }]),
};

/** Answers one request. Wrong methods, HEAD and trailing slashes are unknown paths, except on /exec. */
export function route(parts: RouterParts, request: HostHttpRequest): HostHttpResponse {
  const mark = request.path.indexOf('?');
  const path = mark === -1 ? request.path : request.path.slice(0, mark);
  const query = new URLSearchParams(mark === -1 ? '' : request.path.slice(mark + 1));
  if (path === '/exec') {
    // Only WebSockets are served there, and this host has no host containers to run anything in.
    return { kind: 'response', answer: { status: request.method === 'GET' ? 400 : 405, body: '' } };
  }
  const handler = Object.hasOwn(ROUTES, `${request.method} ${path}`)
    ? ROUTES[`${request.method} ${path}`]
    : undefined;
  const result = handler ? handler({ request, query, parts }) : NOT_FOUND;
  return 'kind' in result ? result : { kind: 'response', answer: result };
}
