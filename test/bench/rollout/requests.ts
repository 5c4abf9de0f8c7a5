/** The requests that the operator's processes sent to kube-apiserver, by their own counters. */

/** Requests by verb and resource, such as `patch nodes`. */
export type Requests = Map<string, number>;

const LINE = /^brupop_kubernetes_requests_total\{(.*)\} (\d+)$/;

const label = (labels: string, name: string): string =>
  new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? '';

/** Reads the counters off the text of /metrics, whatever the answers were. */
export function parseRequests(text: string): Requests {
  const requests: Requests = new Map();
  for (const line of text.split('\n')) {
    const [, labels, count] = LINE.exec(line) ?? [];
    if (labels !== undefined) add(requests, nameOf(labels), Number(count));
  }
  return requests;
}

const nameOf = (labels: string): string => `${label(labels, 'verb')} ${label(labels, 'resource')}`;

function add(requests: Requests, name: string, count: number): void {
  requests.set(name, (requests.get(name) ?? 0) + count);
}

export function sum(all: readonly Requests[]): Requests {
  const total: Requests = new Map();
  for (const requests of all) for (const [name, count] of requests) add(total, name, count);
  return total;
}

export const difference = (after: Requests, before: Requests): Requests =>
  new Map([...after].map(([name, count]) => [name, count - (before.get(name) ?? 0)]));

/** Renewals of the Lease, watches and evictions do not count (docs/architecture.md 11). */
const LEFT_OUT = /^watch |leases$|pods\/eviction$/;
/** Made by the clock, whether nodes are updated or not: is it being uninstalled, are the certificates as they were. */
const BACKGROUND = /^get (namespaces|customresourcedefinitions|secrets|configmaps)$/;

/** The requests that count, and those that are made whether nodes are updated or not. */
export function divide(requests: Requests): { counted: Requests; background: number } {
  const counted: Requests = new Map();
  let background = 0;
  for (const [name, count] of requests) {
    if (BACKGROUND.test(name)) background += count;
    else if (!LEFT_OUT.test(name) && count > 0) counted.set(name, count);
  }
  return { counted, background };
}
