/** Speaks to the operator's API server as an agent would, with whatever token a test gives it. */
import { createPrivateKey, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { dirname, join } from 'node:path';
import { requestToken, type TokenOptions } from '../../hack/controlplane/kubeconfig.ts';
import { ConfigMaps } from '../../src/api/core.ts';
import {
  AGENT_SERVICE_ACCOUNT,
  APISERVER_SERVICE,
  CA_BUNDLE_CONFIGMAP,
  CA_BUNDLE_KEY,
  NAMESPACE,
  TOKEN_AUDIENCE,
} from '../../src/api/names.ts';
import type { TestCluster } from './cluster.ts';

export interface AgentAnswer {
  status: number;
  /** `code` of a problem. */
  code: string | undefined;
  body: string;
}

export interface AgentRequest {
  token?: string;
  method?: string;
  path: string;
  body?: string;
  /** Announces a body of so many bytes and sends none of it: the answer has to come before. */
  announcedBytes?: number;
}

/** One request over TLS, checked against the CA that agents mount. */
export async function askAsAgent(cluster: TestCluster, request: AgentRequest): Promise<AgentAnswer> {
  const { data } = await cluster.kubernetes.get(ConfigMaps, {
    name: CA_BUNDLE_CONFIGMAP,
    namespace: NAMESPACE,
  });
  const { token, method = 'GET', path, body, announcedBytes } = request;
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(
      {
        host: '127.0.0.1',
        port: cluster.facts.servicePort,
        servername: `${APISERVER_SERVICE}.${NAMESPACE}.svc`,
        ca: data?.[CA_BUNDLE_KEY],
        method,
        path,
        agent: false,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined && announcedBytes === undefined
            ? {}
            : { 'content-type': 'application/json' }),
          ...(announcedBytes === undefined ? {} : { 'content-length': announcedBytes }),
        },
      },
      (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, code: codeOf(text), body: text }),
        );
      },
    );
    outgoing.once('error', reject);
    if (announcedBytes === undefined) outgoing.end(body);
    else outgoing.flushHeaders();
  });
}

function codeOf(body: string): string | undefined {
  try {
    return (JSON.parse(body) as { code?: string }).code;
  } catch {
    return undefined;
  }
}

/** A token of the agents' ServiceAccount for the right audience, unless told otherwise. */
export async function tokenFor(cluster: TestCluster, options: Partial<TokenOptions> = {}): Promise<string> {
  const issued = await requestToken(cluster.facts.endpoint, {
    namespace: NAMESPACE,
    serviceAccount: AGENT_SERVICE_ACCOUNT,
    audiences: [TOKEN_AUDIENCE],
    ...options,
  });
  return issued.token;
}

/** The same token with other claims, signed with the key of the cluster. */
export function resign(cluster: TestCluster, token: string, claims: object): string {
  const [header = '', payload = ''] = token.split('.');
  const before = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
  const after = Buffer.from(JSON.stringify({ ...before, ...claims })).toString('base64url');
  const keyFile = join(dirname(cluster.facts.kubeconfig), 'service-accounts.key');
  const signature = sign(
    'RSA-SHA256',
    Buffer.from(`${header}.${after}`),
    createPrivateKey(readFileSync(keyFile)),
  );
  return `${header}.${after}.${signature.toString('base64url')}`;
}
