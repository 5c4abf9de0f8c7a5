import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Nodes, Pods } from '../api/core.ts';
import { AGENT_SERVICE_ACCOUNT, NAMESPACE, TOKEN_AUDIENCE } from '../api/names.ts';
import { BottlerocketShadows } from '../api/v2/bottlerocketshadow.ts';
import { systemClock } from '../runtime/clock.ts';
import { silentLogger } from '../runtime/log.ts';
import { PrometheusMetrics } from '../runtime/prometheus.ts';
import { VirtualClock } from '../sim/clock.ts';
import { accessByRules } from '../sim/cluster/call.ts';
import type { SimClient } from '../sim/cluster/client.ts';
import { SimCluster } from '../sim/cluster/cluster.ts';
import type { Answer } from './http/testclient.ts';
import { TestClient, testAuthority } from './http/testclient.ts';
import { Replica } from './lifecycle.ts';
import { namespaceRules, rules } from './rbac.ts';
import { report, shadowOf } from './testworld.ts';

const authority = testAuthority();
const KEY = { name: 'brs-node-a', namespace: NAMESPACE };

let clock: VirtualClock;
let cluster: SimCluster;
let kubernetes: SimClient;
let replica: Replica;
let directory: string;
let stop: AbortController;
let ended: Promise<void>;
let client: TestClient;
let authorization: string;
let driving: Promise<void>;
let driver: AbortController;

/** Virtual time goes on while sockets do what they do. */
async function drive(): Promise<void> {
  while (!driver.signal.aborted) await clock.advance(5);
}

beforeEach(async () => {
  clock = new VirtualClock({ startMs: systemClock.now() });
  cluster = new SimCluster({ clock });
  cluster.namespace(NAMESPACE);
  cluster.install(BottlerocketShadows);
  cluster.serviceAccount(NAMESPACE, AGENT_SERVICE_ACCOUNT);
  const { uid = '' } = cluster.add(Nodes, { metadata: { name: 'node-a' } }).metadata;
  const { metadata, spec } = shadowOf('node-a', { nodeUid: uid });
  const { name, namespace, ownerReferences = [] } = metadata;
  cluster.add(BottlerocketShadows, { metadata: { name, namespace: namespace ?? '', ownerReferences }, spec });
  cluster.add(Pods, {
    metadata: { name: 'agent-a', namespace: NAMESPACE },
    spec: { nodeName: 'node-a', serviceAccountName: AGENT_SERVICE_ACCOUNT },
  });
  authorization = `Bearer ${tokenOf('agent-a')}`;
  directory = await mkdtemp(join(tmpdir(), 'replica-'));
  kubernetes = cluster.client({ name: 'apiserver', access: accessByRules(rules, namespaceRules, NAMESPACE) });
  driver = new AbortController();
  driving = drive();
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  await ended;
  driver.abort();
  await driving;
  await rm(directory, { recursive: true, force: true });
});

const tokenOf = (pod: string): string =>
  cluster.issueToken({
    namespace: NAMESPACE,
    serviceAccount: AGENT_SERVICE_ACCOUNT,
    pod: { name: pod },
    audiences: [TOKEN_AUDIENCE],
  }).token;

/** Starts a replica; `withPair`: it finds its certificate and listens. */
async function start(withPair = true): Promise<void> {
  if (withPair) await writePair();
  const listening = Promise.withResolvers<number>();
  replica = new Replica({
    kubernetes,
    clock,
    random: () => 0.5,
    log: silentLogger,
    metrics: new PrometheusMetrics(),
    address: { host: '127.0.0.1', port: 0 },
    certificateDirectory: directory,
    onListening: listening.resolve,
  });
  ended = replica.run(stop.signal);
  void listening.promise.then((port) => (client = new TestClient({ ca: authority.ca, port })));
  if (withPair) {
    await listening.promise;
    await expect.poll(whyNotReady).toEqual([]);
  }
}

const writePair = async (serial?: number): Promise<void> => {
  const { cert, key } = authority.pair(serial);
  await writeFile(join(directory, 'tls.crt'), cert);
  await writeFile(join(directory, 'tls.key'), key);
};

const whyNotReady = async (): Promise<string[]> => {
  const checks = await Promise.all(Object.values(replica.readiness).map(async (check) => check()));
  return checks.flatMap((health) => (health.ok ? [] : [health.reason]));
};

const watch = (): ReturnType<TestClient['stream']> =>
  client.stream({ path: '/v2/shadow?watch=true', headers: { authorization } });

const put = (body: object): Promise<Answer> =>
  client.ask({
    method: 'PUT',
    path: '/v2/shadow/status',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

/** The next line that is no heartbeat. */
async function nextLine(lines: AsyncIterator<unknown>): Promise<unknown> {
  for (;;) {
    const { done, value } = await lines.next();
    if (done === true) return 'end';
    if ((value as { type: string }).type !== 'HEARTBEAT') return value;
  }
}

describe('a replica', () => {
  it('waits for its certificate, and says so', async () => {
    await start(false);
    await expect.poll(whyNotReady).toEqual(['there is no serving certificate yet']);
    await writePair();
    await expect.poll(whyNotReady).toEqual([]);
    expect((await client.ask({ path: '/readyz' })).status).toBe(200);
  });

  it('takes an agent from its first look to a recorded report, with two watches in all', async () => {
    await start();
    const { lines, close } = await watch();
    expect(await nextLine(lines)).toMatchObject({ object: { spec: { state: 'Idle' } } });
    await cluster.client('controller').patch(BottlerocketShadows, KEY, { spec: { attempt: 1 } });
    expect(await nextLine(lines)).toMatchObject({
      object: { spec: { attempt: 1 }, metadata: { generation: 2 } },
    });
    const uid = cluster.peek(BottlerocketShadows, KEY)?.metadata.uid ?? '';
    const answer = await put(report('node-a', { uid, generation: 2 }));
    expect(answer).toMatchObject({ status: 200, body: { seq: 1 } });
    expect(cluster.peek(BottlerocketShadows, KEY)?.status).toMatchObject({
      current_state: 'Idle',
      host: { seq: 1, generation: 2, uid },
    });
    expect(await nextLine(lines)).toMatchObject({ object: { status: { host: { seq: 1 } } } });
    expect(cluster.openWatches).toBe(2);
    close();
  });

  it('ends the stream of a pod that is deleted, whose token is then worth nothing', async () => {
    await start();
    const { lines } = await watch();
    await nextLine(lines);
    await cluster
      .client('admin')
      .delete(Pods, { name: 'agent-a', namespace: NAMESPACE }, { gracePeriodSeconds: 0 });
    expect(await nextLine(lines)).toBe('end');
    expect(await client.ask({ path: '/v2/shadow', headers: { authorization } })).toMatchObject({
      status: 403,
      body: { code: 'PodReplaced' },
    });
  });

  it('ends the stream of a node that no longer owns the shadow', async () => {
    await start();
    const { lines } = await watch();
    await nextLine(lines);
    const { uid = '' } = cluster.add(Nodes, { metadata: { name: 'node-b' } }).metadata;
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Node', name: 'node-b', uid }];
    await cluster.client('admin').patch(BottlerocketShadows, KEY, { metadata: { ownerReferences } });
    expect(await nextLine(lines)).toBe('end');
    const refused = { status: 403, body: { code: 'NodeMismatch' } };
    expect(await client.ask({ path: '/v2/shadow', headers: { authorization } })).toMatchObject(refused);
  });

  it('without Kubernetes keeps its streams, records nothing, and is not ready', async () => {
    await start();
    const { lines, close } = await watch();
    await nextLine(lines);
    kubernetes.faults = () => ({ loseRequest: true });
    kubernetes.cutWatches();
    const uid = cluster.peek(BottlerocketShadows, KEY)?.metadata.uid ?? '';
    const before = cluster.peek(BottlerocketShadows, KEY)?.status;
    expect((await put(report('node-a', { uid }))).status).toBe(503);
    await expect
      .poll(whyNotReady, { timeout: 10_000 })
      .toEqual([expect.stringContaining('nothing was heard of bottlerocketshadows') as string]);
    expect(cluster.peek(BottlerocketShadows, KEY)?.status).toEqual(before);
    kubernetes.faults = undefined;
    await expect.poll(whyNotReady, { timeout: 10_000 }).toEqual([]);
    await cluster.client('controller').patch(BottlerocketShadows, KEY, { spec: { attempt: 9 } });
    expect(await nextLine(lines)).toMatchObject({ object: { spec: { attempt: 9 } } });
    close();
  });

  it('shows a renewed certificate without a restart', async () => {
    await start();
    const first = await watch();
    await writePair(7);
    await expect
      .poll(async () => {
        const { serial, close } = await watch();
        close();
        return serial;
      })
      .toBe('07');
    expect(await nextLine(first.lines)).toMatchObject({ type: 'SHADOW' });
    first.close();
  });

  it('ends: not ready at once, streams ended, within 5 s, and nothing left behind', async () => {
    await start();
    const { lines } = await watch();
    await nextLine(lines);
    const startMs = clock.monotonic();
    stop.abort();
    await expect.poll(whyNotReady).toEqual(['this replica is being stopped']);
    expect(await nextLine(lines)).toBe('end');
    await ended;
    expect(clock.monotonic() - startMs).toBeLessThan(5000);
    await expect(client.ask({ path: '/ping' })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(cluster.openWatches).toBe(0);
  });

  it('ends while it waits for its certificate', async () => {
    await start(false);
    stop.abort();
    await ended;
    expect(cluster.openWatches).toBe(0);
  });

  it('fails when its port is taken', async () => {
    await start();
    const { port } = client;
    const second = new Replica({
      kubernetes,
      clock,
      random: () => 0.5,
      log: silentLogger,
      metrics: new PrometheusMetrics(),
      address: { host: '127.0.0.1', port },
      certificateDirectory: directory,
    });
    await expect(second.run(stop.signal)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
