/** Kubeconfig files and ServiceAccount tokens for a test control plane. */
import { readFileSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import type { Endpoint } from './request.ts';
import { askFor } from './request.ts';

/** Writes a kubeconfig that carries the endpoint's token, readable by its owner alone. */
export function writeKubeconfig(path: string, endpoint: Endpoint, user = 'admin'): string {
  const name = 'brupop-test';
  const ca = readFileSync(endpoint.caFile).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server: endpoint.server, 'certificate-authority-data': ca } }],
    users: [{ name: user, user: { token: endpoint.token } }],
    contexts: [{ name, context: { cluster: name, user } }],
  };
  writeFileSync(path, stringify(config), { mode: 0o600 });
  return path;
}

export interface TokenOptions {
  namespace: string;
  serviceAccount: string;
  /** @default the API server's own */
  audiences?: readonly string[];
  /** At least 600. @default 3600 */
  expirationSeconds?: number;
  /** The pod the token dies with. */
  pod?: { name: string; uid: string };
}

/** A ServiceAccount token and when it ends. */
export interface IssuedToken {
  token: string;
  /** RFC 3339. */
  expirationTimestamp: string;
}

/** TokenRequest. @throws Error with the server's message, as when the ServiceAccount does not exist */
export async function requestToken(endpoint: Endpoint, options: TokenOptions): Promise<IssuedToken> {
  const { namespace, serviceAccount, audiences, expirationSeconds, pod } = options;
  const answer = await askFor<{ status: IssuedToken }>(endpoint, {
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`,
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        expirationSeconds: expirationSeconds ?? 3600,
        ...(audiences === undefined ? {} : { audiences }),
        ...(pod === undefined ? {} : { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', ...pod } }),
      },
    },
  });
  return answer.status;
}
