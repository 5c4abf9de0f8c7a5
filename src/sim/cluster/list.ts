/** Lists, in pages of one and the same past. */
import type { KubeObject, List, ListOptions } from '../../runtime/kubernetes.ts';
import { badRequest, refusal } from './errors.ts';
import { copyJson } from './json.ts';
import { type ApiObject, storageKey } from './object.ts';
import { select, selectFrom, type Selected } from './selection.ts';
import type { Server } from './server.ts';
import { parseRevision, type Table } from './table.ts';

/** Where the next page begins, and the revision that all pages show. */
interface Continuation {
  rv: number;
  start: string;
}

/** @throws KubernetesError expired (410) when the revision of the pages is forgotten */
export function list(server: Server, table: Table, options: ListOptions): List<KubeObject> {
  const selected = select(table.definition, options);
  const { limit = 0 } = options;
  if (options.continue !== undefined && options.continue !== '') {
    if ((options.resourceVersion ?? '') !== '')
      throw badRequest('specifying resource version is not allowed when using continue');
    const from = decodeContinuation(options.continue);
    const rest = past(table, from.rv).filter((object) => storageKey(object.metadata) >= from.start);
    return page(table, selected, { objects: rest, revision: from.rv, limit });
  }
  if (options.resourceVersion === '0') return cached(server, table, selected);
  checkRevision(server, options.resourceVersion ?? '');
  const objects = limit > 0 ? table.all() : selectFrom(table, selected);
  return page(table, selected, { objects, revision: server.store.revision, limit });
}

/** Whatever the cache holds; it takes no notice of a limit. */
function cached(server: Server, table: Table, selected: Selected): List<KubeObject> {
  const lagMs = server.lagMs(table.definition.resource.plural);
  const revision = lagMs > 0 ? table.revisionBefore(server.clock.monotonic() - lagMs) : server.store.revision;
  const objects = lagMs > 0 ? past(table, revision) : selectFrom(table, selected);
  return page(table, selected, { objects, revision, limit: 0 });
}

/** Any revision up to now means "not older than". */
function checkRevision(server: Server, text: string): void {
  if (text === '') return;
  if (!/^\d+$/.test(text)) throw badRequest(`invalid resource version: ${JSON.stringify(text)} is no number`);
  const wanted = parseRevision(text);
  if (wanted <= server.store.revision) return;
  throw refusal(
    'server',
    `Timeout: Too large resource version: ${wanted}, current: ${server.store.revision}`,
    {
      status: 504,
      causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
      retryAfterMs: 1000,
    },
  );
}

function past(table: Table, revision: number): ApiObject[] {
  const objects = table.at(revision);
  if (objects === undefined)
    throw refusal(
      'expired',
      'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.',
    );
  return objects;
}

/** A full page has another after it as long as anything is left to go through, though it may not be selected. */
function page(
  table: Table,
  selected: Selected,
  { objects, revision, limit }: { objects: ApiObject[]; revision: number; limit: number },
): List<KubeObject> {
  const candidates = objects.filter((object) => selected.isGoneThrough(object));
  const matching = candidates.filter((object) => selected.matches(object));
  const shown = limit > 0 ? matching.slice(0, limit) : matching;
  const last = shown.length === limit ? shown.at(-1) : undefined;
  const next = last === undefined ? undefined : candidates[candidates.indexOf(last) + 1];
  return {
    items: shown.map((object) => listed(table, object)),
    resourceVersion: String(revision),
    ...(next !== undefined && {
      continue: encodeContinuation({ rv: revision, start: storageKey(next.metadata) }),
    }),
  };
}

/** Lists of built-in kinds say once, for all items, what they are. */
function listed(table: Table, object: ApiObject): KubeObject {
  const copy = copyJson(object);
  if (table.definition.custom) return copy;
  const { apiVersion, kind, ...rest } = copy;
  void [apiVersion, kind];
  return rest;
}

const encodeContinuation = (next: Continuation): string =>
  Buffer.from(JSON.stringify(next)).toString('base64url');

function decodeContinuation(token: string): Continuation {
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString()) as Continuation;
  } catch (error) {
    throw badRequest(`invalid continue token: continue key is not valid: ${String(error)}`);
  }
}
