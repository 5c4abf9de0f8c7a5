/** What kube-apiserver says of the writes that it was asked for. */
import { ask } from '../../../hack/controlplane/request.ts';
import type { Endpoint } from '../../../hack/controlplane/request.ts';
import type { Requests } from '../rollout/requests.ts';

const LINE = /^apiserver_request_total\{(.*)\} (\S+)$/;
const WRITES: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'APPLY', 'DELETE']);
/** Whatever the controller may write (config/rbac), Leases left out. */
const WRITTEN: ReadonlySet<string> = new Set([
  'bottlerocketshadows',
  'bottlerocketshadows/status',
  'clusterrolebindings',
  'clusterroles',
  'configmaps',
  'events',
  'nodes',
  'pods',
  'pods/eviction',
  'secrets',
  'serviceaccounts',
  'updatepolicies',
  'updatepolicies/status',
]);

const label = (labels: string, name: string): string =>
  new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? '';

/** Writes so far of what the controller may write, by whomever, such as `PATCH nodes`; dry runs included. */
export async function writesSeen(endpoint: Endpoint): Promise<Requests> {
  const { body } = await ask(endpoint, { path: '/metrics' });
  const requests: Requests = new Map();
  for (const line of body.split('\n')) {
    const [, labels = '', count] = LINE.exec(line) ?? [];
    const subresource = label(labels, 'subresource');
    const resource = label(labels, 'resource') + (subresource === '' ? '' : `/${subresource}`);
    const verb = label(labels, 'verb');
    if (count === undefined || !WRITES.has(verb) || !WRITTEN.has(resource)) continue;
    const name = `${verb} ${resource}`;
    requests.set(name, (requests.get(name) ?? 0) + Number(count));
  }
  return requests;
}

const WRITE = /^(create|patch|delete) (?!leases$)/;

/** Writes among the requests that a controller has counted, Leases left out. */
export const writesAmong = (requests: Requests): Requests =>
  new Map([...requests].filter(([name]) => WRITE.test(name)));

export const total = (requests: Requests): number =>
  [...requests.values()].reduce((all, count) => all + count, 0);
