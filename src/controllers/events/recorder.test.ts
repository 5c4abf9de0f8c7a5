import { describe, expect, it } from 'vitest';
import type { Event } from '../../api/core.ts';
import { KubernetesError } from '../../runtime/kubernetes.ts';
import type { KubernetesPort } from '../../runtime/kubernetes.ts';
import { silentLogger } from '../../runtime/log.ts';
import type { Clock } from '../../runtime/clock.ts';
import { EventRecorder } from './recorder.ts';
import type { EventRecorderOptions, NewEvent } from './recorder.ts';

const NOW = Date.parse('2026-11-21T10:00:00Z');

const event = (fields: Partial<NewEvent> = {}): NewEvent => ({
  regarding: { apiVersion: 'v1', kind: 'Node', name: 'a', uid: 'n1' },
  type: 'Normal',
  reason: 'Staging',
  action: 'Update',
  note: 'The host stages 1.43.0.',
  ...fields,
});

/** A recorder over a port that keeps what it is sent, on a clock that only sleeping moves. */
function recording(options: Partial<EventRecorderOptions> = {}, refusals: KubernetesError[] = []) {
  const created: Event[] = [];
  const patched: { name: string; body: object }[] = [];
  let elapsedMs = 0;
  const clock: Clock = {
    now: () => NOW + elapsedMs,
    monotonic: () => elapsedMs,
    sleep: async (ms) => {
      elapsedMs += ms;
    },
  };
  const port = {
    create: async (_resource: unknown, object: Event) => {
      const refusal = refusals.shift();
      if (refusal !== undefined) throw refusal;
      created.push(object);
      return object;
    },
    patch: async (_resource: unknown, key: { name: string }, body: object) => {
      const refusal = refusals.shift();
      if (refusal !== undefined) throw refusal;
      patched.push({ name: key.name, body });
      return body;
    },
  } as unknown as KubernetesPort;
  const recorder = new EventRecorder({ port, clock, logger: silentLogger, instance: 'c-1', ...options });
  const abort = new AbortController();
  const running = recorder.run(abort.signal);
  return {
    recorder,
    created,
    patched,
    elapsed: () => elapsedMs,
    pass: (ms: number) => {
      elapsedMs += ms;
    },
    /** Waits until everything recorded so far has been sent. */
    settle: async () => {
      for (let i = 0; i < 2_000; i++) await Promise.resolve();
    },
    stop: async () => {
      abort.abort();
      await running;
    },
  };
}

describe('an Event', () => {
  it('is written as events.k8s.io/v1 wants it', async () => {
    const { recorder, created, settle, stop } = recording();
    recorder.record(event());
    await settle();
    await stop();
    expect(created).toMatchObject([
      {
        metadata: { namespace: 'default' },
        eventTime: '2026-11-21T10:00:00.000000Z',
        reportingController: 'brupop.bottlerocket.aws/controller',
        reportingInstance: 'c-1',
        reason: 'Staging',
        action: 'Update',
        type: 'Normal',
        regarding: { kind: 'Node', name: 'a' },
      },
    ]);
  });

  it('on a namespaced object lives in its namespace', async () => {
    const { recorder, created, settle, stop } = recording();
    recorder.record(event({ regarding: { apiVersion: 'v1', kind: 'Pod', name: 'p', namespace: 'shop' } }));
    await settle();
    await stop();
    expect(created[0]?.metadata.namespace).toBe('shop');
  });

  it('that is too long is cut', async () => {
    const { recorder, created, settle, stop } = recording();
    recorder.record(event({ note: 'x'.repeat(5_000) }));
    await settle();
    await stop();
    expect(created[0]?.note).toHaveLength(1_024);
  });
});

describe('repeats', () => {
  it('become one series', async () => {
    const { recorder, created, patched, settle, stop } = recording();
    recorder.record(event());
    recorder.record(event());
    recorder.record(event());
    await settle();
    await stop();
    expect(created).toHaveLength(1);
    expect(patched.map(({ body }) => body)).toMatchObject([
      { series: { count: 2 } },
      { series: { count: 3 } },
    ]);
  });

  it('after a while are a new Event', async () => {
    const { recorder, created, settle, pass, stop } = recording();
    recorder.record(event());
    await settle();
    pass(7 * 60_000);
    recorder.record(event());
    await settle();
    await stop();
    expect(created).toHaveLength(2);
  });

  it('start again when the Event was deleted', async () => {
    const refusals: KubernetesError[] = [];
    const { recorder, created, patched, settle, stop } = recording({}, refusals);
    recorder.record(event());
    await settle();
    refusals.push(new KubernetesError('notFound', 'gone'));
    recorder.record(event());
    await settle();
    await stop();
    expect(created).toHaveLength(2);
    expect(patched).toEqual([]);
  });
});

describe('too many Events', () => {
  it('are sent at the rate', async () => {
    const { recorder, created, elapsed, settle, stop } = recording({ perSecond: 10, burst: 5 });
    for (let i = 0; i < 25; i++) recorder.record(event({ note: `n${i}` }));
    await settle();
    await stop();
    expect(created).toHaveLength(25);
    expect(elapsed()).toBeGreaterThanOrEqual(1_900);
    expect(elapsed()).toBeLessThanOrEqual(2_100);
  });

  it('lose the oldest when more wait than allowed', async () => {
    const { recorder, created, settle, stop } = recording({ maxQueued: 3, burst: 0.5, perSecond: 1 });
    for (let i = 0; i < 6; i++) recorder.record(event({ note: `n${i}` }));
    expect(recorder.dropped).toBe(3);
    await settle();
    await stop();
    expect(created.map(({ note }) => note)).toEqual(['n3', 'n4', 'n5']);
  });

  it('never fail whoever records them', async () => {
    const { recorder, created, settle, stop } = recording({}, [new KubernetesError('server', 'away')]);
    recorder.record(event({ note: 'lost' }));
    recorder.record(event({ note: 'sent' }));
    await settle();
    await stop();
    expect(created.map(({ note }) => note)).toEqual(['sent']);
  });
});
