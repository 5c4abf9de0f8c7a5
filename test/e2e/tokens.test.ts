import { beforeAll, describe, expect, test } from 'vitest';
import { Pods, type Pod } from '../../src/api/core.ts';
import { NAMESPACE } from '../../src/api/names.ts';
import { SHADOW_PATH, STATUS_PATH } from '../../src/api/wire.ts';
import { askAsAgent, resign, tokenFor } from './agentclient.ts';
import { testCluster } from './cluster.ts';

const cluster = testCluster();
const [NODE = ''] = cluster.nodes;

const agentPod = async (): Promise<Pod> => {
  const { items } = await cluster.kubernetes.list(Pods, {
    namespace: NAMESPACE,
    labelSelector: 'app.kubernetes.io/component=agent',
    fieldSelector: `spec.nodeName=${NODE}`,
  });
  const pod = items.find(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (pod === undefined) throw new Error(`${NODE} has no agent`);
  return pod;
};

/** A token like the one the agent of NODE has. */
const boundToken = async (): Promise<string> => {
  const { name, uid = '' } = (await agentPod()).metadata;
  return tokenFor(cluster, { pod: { name, uid } });
};

/** What of the shadow an agent may ever change, and what never. */
const shadow = async (): Promise<unknown> => {
  const { spec, status } = (await cluster.shadows()).get(NODE) ?? {};
  return { spec, current: status?.current_state, version: status?.current_version };
};

const read = async (token?: string) => {
  const { status, code } = await askAsAgent(cluster, {
    path: SHADOW_PATH,
    ...(token === undefined ? {} : { token }),
  });
  return { status, code };
};

describe('who may speak for a node', () => {
  test('its own agent, which sees its own shadow', async () => {
    const answer = await askAsAgent(cluster, { path: SHADOW_PATH, token: await boundToken() });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ object: { metadata: { name: `brs-${NODE}` } } });
  });

  test('nobody without a token', async () => {
    expect(await read()).toEqual({ status: 401, code: 'TokenMissing' });
  });

  test('nobody with a text that is no token', async () => {
    expect(await read('not.a.token')).toEqual({ status: 401, code: 'TokenInvalid' });
  });

  test('no token for another audience', async () => {
    const token = await tokenFor(cluster, { audiences: ['somebody-else'] });
    expect(await read(token)).toEqual({ status: 401, code: 'TokenInvalid' });
  });

  test('no token of another ServiceAccount', async () => {
    const token = await tokenFor(cluster, { namespace: 'shop', serviceAccount: 'default' });
    expect(await read(token)).toEqual({ status: 403, code: 'WrongServiceAccount' });
  });

  test('no token that is bound to no pod', async () => {
    expect(await read(await tokenFor(cluster))).toEqual({ status: 403, code: 'TokenNotBound' });
  });

  test('no expired token, though its signature is good', async () => {
    const token = await boundToken();
    const hourAgo = Math.floor(Date.now() / 1000) - 3600;
    const expired = resign(cluster, token, { iat: hourAgo - 600, nbf: hourAgo - 600, exp: hourAgo });
    const unchanged = resign(cluster, token, {});
    expect((await read(unchanged)).status).toBe(200);
    const { status, code } = await read(expired);
    expect({ status, isTokenProblem: ['TokenExpired', 'TokenInvalid'].includes(code ?? '') }).toEqual({
      status: 401,
      isTokenProblem: true,
    });
  });

  test('no token of a pod that was replaced', async () => {
    const token = await boundToken();
    const { name, uid } = (await agentPod()).metadata;
    await cluster.kubectl(['delete', 'pod', name, '-n', NAMESPACE, '--wait=true', '--timeout=60s']);
    await cluster.waitFor(
      'a new agent is Ready',
      async () => {
        const ready = (await agentPod().catch(() => undefined))?.status?.conditions?.find(
          ({ type }) => type === 'Ready',
        );
        return ready?.status === 'True' && (await agentPod()).metadata.uid !== uid;
      },
      60_000,
    );
    // A positive review may be remembered for a minute; the pod's end has to count at once all the same.
    expect([401, 403]).toContain((await read(token)).status);
  });
});

describe('what an agent may write', () => {
  let token: string;
  let before: unknown;
  beforeAll(async () => {
    token = await boundToken();
    before = await shadow();
  });

  test.each([
    ['no JSON', '{', 400],
    ['another shape', '{"current_state":"Idle"}', 422],
  ])('not %s; the shadow stays as it was', async (_, body, status) => {
    const answer = await askAsAgent(cluster, { method: 'PUT', path: STATUS_PATH, token, body });
    expect(answer.status).toBe(status);
    expect(await shadow()).toEqual(before);
  });

  test('not more than a report can be', async () => {
    const announced = { method: 'PUT', path: STATUS_PATH, token, announcedBytes: 10_000_000 };
    expect((await askAsAgent(cluster, announced)).status).toBe(413);
    expect(await shadow()).toEqual(before);
  });

  test('nothing else: other paths and methods do not exist', async () => {
    expect((await askAsAgent(cluster, { path: '/v2/shadows', token })).status).toBe(404);
    expect((await askAsAgent(cluster, { method: 'DELETE', path: SHADOW_PATH, token })).status).toBe(405);
  });
});
