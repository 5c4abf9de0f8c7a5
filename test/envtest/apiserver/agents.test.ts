/** Our API server and certificates between the agents' own channel and a real kube-apiserver, with real tokens. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { HttpsChannel } from '../../../src/agent/channel.ts';
import type { ConfigMap, Secret } from '../../../src/api/core.ts';
import { ConfigMaps, Nodes, Pods, Secrets } from '../../../src/api/core.ts';
import {
  APISERVER_SERVICE_ACCOUNT,
  CA_BUNDLE_CONFIGMAP,
  CA_BUNDLE_KEY,
  CONTROLLER_SERVICE_ACCOUNT,
  SERVING_SECRET,
} from '../../../src/api/names.ts';
import { BottlerocketShadows } from '../../../src/api/v2/bottlerocketshadow.ts';
import type { StatusReport, StreamLine } from '../../../src/api/wire.ts';
import { Replica } from '../../../src/apiserver/lifecycle.ts';
import { CertificatesController } from '../../../src/controllers/certificates/controller.ts';
import { systemKeys } from '../../../src/controllers/certificates/keys.ts';
import type { KubernetesClient } from '../../../src/runtime/client/client.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { silentLogger } from '../../../src/runtime/log.ts';
import { noMetrics } from '../../../src/runtime/metrics.ts';
import { installCrds } from '../../support/crds.ts';
import { Installation } from './world.ts';

const NAMESPACE = 'apiserver-test';
const NODE = 'apiserver-test-node';
const OTHER_NODE = 'apiserver-test-other';
const never = new AbortController().signal;

let installation: Installation;
let apiserver: KubernetesClient;
let directory: string;
let url: URL;
let pod: { name: string; uid: string };
const stop = new AbortController();
let ended: Promise<void>;

/** Puts the files where the processes expect them, as kubelet would. */
async function mount(admin: KubernetesClient): Promise<void> {
  const serving = await admin.get<Secret>(Secrets, { name: SERVING_SECRET, namespace: NAMESPACE });
  const bundle = await admin.get<ConfigMap>(ConfigMaps, { name: CA_BUNDLE_CONFIGMAP, namespace: NAMESPACE });
  for (const file of ['tls.crt', 'tls.key']) {
    await writeFile(join(directory, file), Buffer.from(serving.data?.[file] ?? '', 'base64'));
  }
  await writeFile(join(directory, 'ca.crt'), bundle.data?.[CA_BUNDLE_KEY] ?? '');
}

beforeAll(async () => {
  const plane = inject('controlPlane');
  await installCrds(plane);
  installation = new Installation(plane, NAMESPACE);
  await installation.install();
  await installation.addNode(NODE);
  await installation.addNode(OTHER_NODE);
  pod = { name: 'agent-a', uid: await installation.addPod({ name: 'agent-a', node: NODE }) };

  const certificates = new CertificatesController({
    kubernetes: await installation.as(CONTROLLER_SERVICE_ACCOUNT),
    keys: systemKeys,
    namespace: NAMESPACE,
    extraDnsNames: ['localhost'],
    clock: systemClock,
    random: () => 0.5,
    logger: silentLogger,
    metrics: noMetrics,
  });
  while ((await certificates.pass()) === 0);
  directory = await mkdtemp(join(tmpdir(), 'agents-'));
  await mount(installation.admin);

  apiserver = await installation.as(APISERVER_SERVICE_ACCOUNT);
  const listening = Promise.withResolvers<number>();
  const replica = new Replica({
    kubernetes: apiserver,
    clock: systemClock,
    random: () => 0.5,
    log: silentLogger,
    metrics: noMetrics,
    namespace: NAMESPACE,
    address: { host: '127.0.0.1', port: 0 },
    certificateDirectory: directory,
    onListening: listening.resolve,
  });
  ended = replica.run(stop.signal);
  url = new URL(`https://localhost:${await listening.promise}`);
  await vi.waitFor(() => expect(replica.readiness['shadows']?.()).toEqual({ ok: true }), 10_000);
});

afterAll(async () => {
  stop.abort();
  await ended;
  await installation.remove([NODE, OTHER_NODE]);
  await rm(directory, { recursive: true, force: true });
});

let channels = 0;

/** The agent's channel, with a token in its file. */
async function channelWith(token: string): Promise<HttpsChannel> {
  channels += 1;
  const tokenFile = join(directory, `token-${channels}`);
  await writeFile(tokenFile, token);
  return new HttpsChannel({
    url,
    tokenFile,
    caFile: join(directory, 'ca.crt'),
    clock: systemClock,
    logger: silentLogger,
  });
}

const channel = async (): Promise<HttpsChannel> => channelWith(await installation.token({ pod }));

/** The next line that is no heartbeat; undefined at the end. */
async function nextLine(lines: AsyncIterator<StreamLine>): Promise<StreamLine | undefined> {
  for (;;) {
    const { done, value } = await lines.next();
    if (done === true) return undefined;
    if (value.type !== 'HEARTBEAT') return value;
  }
}

const shadowKey = (node: string) => ({ name: `brs-${node}`, namespace: NAMESPACE });

describe('an agent', () => {
  it('sees its shadow change, reports, and sees that', async () => {
    const agent = await channel();
    const closing = new AbortController();
    const lines = agent.watch(closing.signal)[Symbol.asyncIterator]();
    const first = await nextLine(lines);
    if (first?.type !== 'SHADOW') throw new Error('no shadow');
    const { uid, generation } = first.object.metadata;
    await installation.admin.patch(BottlerocketShadows, shadowKey(NODE), { spec: { attempt: 1 } });
    expect(await nextLine(lines)).toMatchObject({ object: { metadata: { generation: generation + 1 } } });

    const report: StatusReport = {
      uid,
      generation: generation + 1,
      seq: 1,
      current_state: 'Idle',
      current_version: '1.50.0',
      target_version: null,
      host: { bootId: 'boot-1', available: ['1.51.0'], step: 'Refresh' },
    };
    expect(await agent.putStatus(report, never)).toEqual({
      kind: 'ok',
      value: { uid, generation: 2, seq: 1 },
    });
    expect(await nextLine(lines)).toMatchObject({
      object: { status: { host: { seq: 1, step: 'Refresh' } } },
    });

    expect(await agent.putStatus(report, never)).toMatchObject({ kind: 'problem', code: 'StaleSeq' });
    const { host } = report;
    const next = { ...report, seq: 2, host: { bootId: host.bootId } };
    expect(await agent.putStatus(next, never)).toMatchObject({ kind: 'ok' });
    const { status } = await installation.admin.get(BottlerocketShadows, shadowKey(NODE));
    expect(status?.host).toEqual({ bootId: 'boot-1', generation: 2, seq: 2, uid });
    closing.abort();
  });

  it('gets nothing but its own shadow, whatever it asks for', async () => {
    const otherPod = await installation.addPod({ name: 'agent-other', node: OTHER_NODE });
    const other = await channelWith(
      await installation.token({ pod: { name: 'agent-other', uid: otherPod } }),
    );
    const answer = await other.get(never);
    expect(answer).toMatchObject({ kind: 'ok', value: { metadata: { name: `brs-${OTHER_NODE}` } } });
  });
});

describe('tokens of others', () => {
  it.each<[string, () => Promise<string>, string]>([
    [
      'another ServiceAccount on a pod of ours',
      async () => {
        const serviceAccount = CONTROLLER_SERVICE_ACCOUNT;
        const uid = await installation.addPod({ name: 'controller', node: NODE, serviceAccount });
        return installation.token({ serviceAccount, pod: { name: 'controller', uid } });
      },
      'WrongServiceAccount',
    ],
    ['another audience', () => installation.token({ pod, audience: 'vault' }), 'TokenInvalid'],
    ['no pod', () => installation.token({}), 'TokenNotBound'],
    [
      'a pod of the same name and ServiceAccount in another namespace',
      async () => {
        const elsewhere = new Installation(inject('controlPlane'), `${NAMESPACE}-2`);
        await elsewhere.install();
        const uid = await elsewhere.addPod({ name: pod.name, node: NODE });
        const token = await elsewhere.token({ pod: { name: pod.name, uid } });
        await elsewhere.remove([]);
        return token;
      },
      'WrongServiceAccount',
    ],
    [
      'a forger, who wants it to last longer',
      async () => {
        const [head = '', payload = '', signature = ''] = (await installation.token({ pod })).split('.');
        const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { exp: number };
        claims.exp += 86_400;
        return [head, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.');
      },
      'TokenInvalid',
    ],
    ['nobody', () => Promise.resolve('not-a-token'), 'TokenInvalid'],
  ])('of %s are refused', async (_name, make, code) => {
    const stranger = await channelWith(await make());
    expect(await stranger.get(never)).toMatchObject({ kind: 'problem', code });
  });
});

describe('what is gone', () => {
  it('the stream of a deleted pod ends, and its token stays refused when a pod of that name is back', async () => {
    const uid = await installation.addPod({ name: 'agent-b', node: NODE });
    const token = await installation.token({ pod: { name: 'agent-b', uid } });
    const agent = await channelWith(token);
    const lines = agent.watch(never)[Symbol.asyncIterator]();
    await nextLine(lines);
    await installation.admin.delete(
      Pods,
      { name: 'agent-b', namespace: NAMESPACE },
      { gracePeriodSeconds: 0 },
    );
    expect(await nextLine(lines)).toBeUndefined();
    await installation.addPod({ name: 'agent-b', node: NODE });
    expect(await agent.get(never)).toMatchObject({ kind: 'problem', code: 'PodReplaced' });
  });

  it('a Node made anew: the token of its old pod sees nothing', async () => {
    const agent = await channel();
    const lines = agent.watch(never)[Symbol.asyncIterator]();
    expect(await nextLine(lines)).toMatchObject({ type: 'SHADOW' });
    await installation.admin.delete(Nodes, { name: NODE });
    const { uid = '' } = (await installation.admin.create(Nodes, { metadata: { name: NODE } })).metadata;
    await installation.admin.delete(BottlerocketShadows, shadowKey(NODE)).catch(() => undefined);
    await expect
      .poll(() =>
        installation.addShadow(NODE, uid).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    // GONE, and nothing of the new shadow.
    const rest: (StreamLine | undefined)[] = [];
    do rest.push(await nextLine(lines));
    while (rest.at(-1) !== undefined);
    expect(rest.map((line) => line?.type)).not.toContain('SHADOW');
    expect(await agent.get(never)).toMatchObject({ kind: 'problem' });
  });
});

describe('the API server itself', () => {
  it.each([
    ['Secrets', () => apiserver.list(Secrets, { namespace: NAMESPACE })],
    ['Nodes', () => apiserver.list(Nodes)],
    ['pods of others', () => apiserver.list(Pods, { namespace: 'kube-system' })],
    ['the spec of shadows', () => apiserver.patch(BottlerocketShadows, shadowKey(OTHER_NODE), { spec: {} })],
  ])('may not touch %s', async (_name, attempt) => {
    await expect(attempt()).rejects.toMatchObject({ code: 'forbidden' });
  });
});
