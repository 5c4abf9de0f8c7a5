/** Counts requests to the API server. */
import type { Metrics } from '../metrics.ts';

/** What a request is called in metrics. */
export interface RequestName {
  verb: 'get' | 'list' | 'watch' | 'create' | 'patch' | 'delete';
  /** Plural, and the subresource after a slash. */
  resource: string;
}

/** Codes that alerts look at: their series begin at 0 with the first request of a kind. 0 means no answer. */
const WATCHED_CODES = ['0', '403', '409', '429', '500'];

/** @returns a function that counts one request; the code is the HTTP status, 0 when there was no answer. */
export function requestCounter(metrics: Metrics): (name: RequestName, code: string) => void {
  const requests = metrics.counter({
    name: 'kubernetes_requests_total',
    help: 'Requests to the Kubernetes API server by verb, resource and HTTP status; 0 is no answer.',
    labels: { verb: [], resource: [], code: [] },
  });
  const seen = new Set<string>();
  return (name, code) => {
    const { verb, resource } = name;
    const id = `${verb} ${resource}`;
    if (!seen.has(id)) {
      seen.add(id);
      for (const watched of WATCHED_CODES) requests.inc({ verb, resource, code: watched }, 0);
    }
    requests.inc({ verb, resource, code });
  };
}
