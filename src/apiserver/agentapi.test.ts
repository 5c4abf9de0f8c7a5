import { beforeEach, describe, expect, it } from 'vitest';
import { PrometheusMetrics } from '../runtime/prometheus.ts';
import { VirtualClock } from '../sim/clock.ts';
import { AgentApi } from './agentapi.ts';
import type { Identity } from './auth/identity.ts';
import { namespaceRules, rules } from './rbac.ts';
import type { ScriptedKubernetes } from './testworld.ts';
import { ListSink, agentPod, shadowOf, world } from './testworld.ts';
import { silentLogger } from '../runtime/log.ts';
import { noMetrics } from '../runtime/metrics.ts';

let clock: VirtualClock;
let kubernetes: ScriptedKubernetes;
let api: AgentApi;
let identity: Identity;

beforeEach(async () => {
  clock = new VirtualClock();
  let bearer: string;
  ({ kubernetes, api, bearer } = world({ clock }));
  identity = await api.authenticate(bearer);
});

describe('watching', () => {
  it('streams the own shadow from the cache, without a request', async () => {
    const sink = new ListSink();
    await api.watch(identity, sink);
    api.shadowChanged(shadowOf('node-a', { spec: { attempt: 1 } }));
    api.shadowDeleted('brs-node-a');
    expect(sink.types).toEqual(['SHADOW', 'SHADOW', 'GONE']);
    expect(kubernetes.calls).toEqual(['review']);
  });

  it('waits for a shadow', async () => {
    api.shadowDeleted('brs-node-a');
    const sink = new ListSink();
    await api.watch(identity, sink);
    expect(sink.types).toEqual(['HEARTBEAT']);
  });

  it('ends with the pod', async () => {
    const sink = new ListSink();
    await api.watch(identity, sink);
    api.podDeleted(agentPod('node-a'));
    expect(sink.ended).toBe(true);
    await expect(api.watch(identity, sink)).rejects.toMatchObject({ code: 'PodReplaced' });
  });

  it('is refused where another Node owns the shadow, once the live object agrees', async () => {
    api.shadowChanged(shadowOf('node-a', { nodeUid: 'new' }));
    await expect(api.watch(identity, new ListSink())).rejects.toMatchObject({ code: 'NotReady' });
    kubernetes.change('node-a', () => shadowOf('node-a', { nodeUid: 'new' }));
    await expect(api.watch(identity, new ListSink())).rejects.toMatchObject({ code: 'NodeMismatch' });
  });

  it('is refused before all shadows are known', async () => {
    const fresh = new AgentApi({
      kubernetes: kubernetes.port,
      clock,
      random: () => 0,
      log: silentLogger,
      metrics: noMetrics,
    });
    await expect(fresh.watch(identity, new ListSink())).rejects.toMatchObject({ code: 'NotReady' });
    await expect(fresh.read(identity)).resolves.toMatchObject({ type: 'SHADOW' });
  });

  it('is refused during a drain, reading is not', async () => {
    const sink = new ListSink();
    await api.watch(identity, sink);
    const drained = api.drain();
    await clock.advance(3000);
    await drained;
    expect(sink.ended).toBe(true);
    await expect(api.watch(identity, sink)).rejects.toMatchObject({ code: 'ShuttingDown' });
    await expect(api.read(identity)).resolves.toMatchObject({ type: 'SHADOW' });
  });
});

it('every series exists from the start', async () => {
  const metrics = new PrometheusMetrics({ prefix: 'brupop_' });
  world({ clock, metrics });
  const { body } = await metrics.scrape();
  expect(body).toContain('brupop_apiserver_problems_total{code="StaleSeq"} 0');
  expect(body).toContain('brupop_apiserver_stream_ends_total{reason="podGone"} 0');
  expect(body).toContain('brupop_apiserver_streams 0');
});

it('needs the rights that are declared, and no others', () => {
  const text = [...rules, ...namespaceRules].flatMap(({ resources, verbs }) =>
    resources.map((resource) => `${resource}: ${verbs.join(' ')}`),
  );
  expect(text).toEqual([
    'tokenreviews: create',
    'bottlerocketshadows: get list watch',
    'bottlerocketshadows/status: patch',
    'pods: get list watch',
  ]);
});
