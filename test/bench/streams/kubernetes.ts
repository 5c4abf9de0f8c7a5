/**
 * A process that answers an API server of ours as kube-apiserver would, over HTTPS: lists in pages, watches, patches of
 * status, token reviews. It holds shadows and pods and nothing else, so that it takes little of the machine.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Pods } from '../../../src/api/core.ts';
import { AGENT_SERVICE_ACCOUNT, NAMESPACE, TOKEN_AUDIENCE } from '../../../src/api/names.ts';
import type { BottlerocketShadow } from '../../../src/api/v2/bottlerocketshadow.ts';
import { BottlerocketShadows } from '../../../src/api/v2/bottlerocketshadow.ts';
import type { Pair } from '../../../src/apiserver/http/server.ts';
import type { KubeObject } from '../../../src/runtime/kubernetes.ts';
import { indexOf, nodeName, nodeUid, podName, podOf, podUid, shadowOf } from './objects.ts';

/** What it is told to be. */
export interface KubernetesWork {
  pair: Pair;
  nodes: number;
}
export type KubernetesMessage = { port: number };

const BOOKMARK_MS = 60_000;
const EXTRA = 'authentication.kubernetes.io/';

interface Collection {
  plural: string;
  items: Map<string, KubeObject>;
  watchers: Set<ServerResponse>;
}

/** See the head of this file. */
class Kubernetes {
  readonly #collections: readonly Collection[];
  #version = 1;

  constructor(nodes: number) {
    const indexes = Array.from({ length: nodes }, (_, index) => index);
    this.#collections = [
      collection(BottlerocketShadows.plural, indexes.map(shadowOf)),
      collection(Pods.plural, indexes.map(podOf)),
    ];
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'https://kubernetes');
    if (url.pathname.endsWith('/tokenreviews')) return send(response, review(await bodyOf(request)));
    const place = this.#collections.find(({ plural }) => url.pathname.includes(`/${plural}`));
    const name = url.pathname.split(`/${place?.plural}/`)[1]?.split('/')[0];
    if (place === undefined) send(response, { message: 'no such resource' }, 404);
    else if (name !== undefined)
      this.#answerOne(request, response, { place, name, body: await bodyOf(request) });
    else if (url.searchParams.has('watch')) this.#watch(response, place);
    else send(response, this.#page(place, url.searchParams));
  }

  bookmark(): void {
    const object = { metadata: { resourceVersion: String(this.#version) } };
    for (const place of this.#collections) tell(place, { type: 'BOOKMARK', object });
  }

  #page({ items }: Collection, query: URLSearchParams): object {
    const from = Number(query.get('continue') ?? 0);
    const limit = Number(query.get('limit') ?? items.size);
    const more = from + limit < items.size ? { continue: String(from + limit) } : {};
    const metadata = { resourceVersion: String(this.#version), ...more };
    return { metadata, items: [...items.values()].slice(from, from + limit) };
  }

  #watch(response: ServerResponse, { watchers }: Collection): void {
    watchers.add(response);
    response.on('close', () => watchers.delete(response));
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
  }

  #answerOne(
    { method }: IncomingMessage,
    response: ServerResponse,
    { place, name, body }: { place: Collection; name: string; body: string },
  ): void {
    const old = place.items.get(name) as BottlerocketShadow | undefined;
    if (old === undefined) return send(response, { message: `no ${name}` }, 404);
    if (method !== 'PATCH') return send(response, old);
    const { metadata, status } = JSON.parse(body) as BottlerocketShadow;
    if (metadata.resourceVersion !== old.metadata.resourceVersion)
      return send(response, { message: 'the object has been modified', reason: 'Conflict' }, 409);
    this.#version += 1;
    const changed = { resourceVersion: String(this.#version) };
    const object = { ...old, metadata: { ...old.metadata, ...changed }, status: merged(old.status, status) };
    place.items.set(name, object);
    send(response, object);
    tell(place, { type: 'MODIFIED', object });
  }
}

const collection = (plural: string, objects: readonly KubeObject[]): Collection => ({
  plural,
  items: new Map(objects.map((object) => [object.metadata.name, object])),
  watchers: new Set(),
});

/** RFC 7386. */
function merged(old: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = { ...(old as object | undefined) };
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}

function tell({ watchers }: Collection, event: object): void {
  const line = `${JSON.stringify(event)}\n`;
  for (const watcher of watchers) watcher.write(line);
}

function review(body: string): object {
  const { spec } = JSON.parse(body) as { spec: { token: string } };
  const index = indexOf(spec.token);
  const extra = {
    [`${EXTRA}node-name`]: [nodeName(index)],
    [`${EXTRA}node-uid`]: [nodeUid(index)],
    [`${EXTRA}pod-name`]: [podName(index)],
    [`${EXTRA}pod-uid`]: [podUid(index)],
  };
  const username = `system:serviceaccount:${NAMESPACE}:${AGENT_SERVICE_ACCOUNT}`;
  return { status: { authenticated: true, audiences: [TOKEN_AUDIENCE], user: { username, extra } } };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  request.setEncoding('utf8');
  for await (const chunk of request) text += String(chunk);
  return text;
}

function send(response: ServerResponse, value: object, code = 200): void {
  const text = JSON.stringify(value);
  response.writeHead(code, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

process.once('message', ({ pair, nodes }: KubernetesWork) => {
  const kubernetes = new Kubernetes(nodes);
  const server = createServer({ ...pair, keepAliveTimeout: 0 }, (request, response) => {
    void kubernetes.answer(request, response);
  });
  setInterval(() => kubernetes.bookmark(), BOOKMARK_MS);
  server.listen(0, '127.0.0.1', () => {
    process.send?.({ port: (server.address() as AddressInfo).port } satisfies KubernetesMessage);
  });
});
process.on('disconnect', () => process.exit());
