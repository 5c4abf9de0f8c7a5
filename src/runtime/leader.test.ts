import { beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../sim/clock.ts';
import type { Clock } from './clock.ts';
import { fence } from './fence.ts';
import {
  type Key,
  type KubeObject,
  KubernetesError,
  type KubernetesPort,
  type Resource,
} from './kubernetes.ts';
import { LeaderElector, type LeaderElectorOptions, LeadershipLost } from './leader.ts';
import type { LeaseObject, LeaseSpec } from './lease.ts';
import { silentLogger } from './log.ts';
import { aborted } from './timers.ts';

const unknown = (): KubernetesError => new KubernetesError('unknown', 'no answer');

/** One lease with resource versions, as an API server keeps it. */
class LeaseServer {
  lease: LeaseObject | undefined;
  writes = 0;
  #version = 0;

  put(spec: LeaseSpec): LeaseObject {
    this.writes += 1;
    this.lease = {
      metadata: { name: 'operator', namespace: 'ns', resourceVersion: String(++this.#version) },
      spec: { ...this.lease?.spec, ...spec },
    };
    return structuredClone(this.lease);
  }

  get holder(): string | null | undefined {
    return this.lease?.spec?.holderIdentity;
  }
}

/** What one process sees of the server. */
class Line {
  /** `cut`: no answer at once. `hang`: none ever. `deaf`: the request is carried out, the answer is lost. */
  fault: 'none' | 'cut' | 'hang' | 'deaf' = 'none';
  deafOnce = false;
  readonly #server: LeaseServer;

  constructor(server: LeaseServer) {
    this.#server = server;
  }

  get<T extends KubeObject>(): Promise<T> {
    return this.#through(() => {
      if (this.#server.lease === undefined) throw new KubernetesError('notFound', 'none');
      return structuredClone(this.#server.lease);
    }) as Promise<unknown> as Promise<T>;
  }

  create<T extends KubeObject>(_: Resource<T>, object: T): Promise<T> {
    return this.#through(() => {
      if (this.#server.lease !== undefined) throw new KubernetesError('alreadyExists', 'exists');
      return this.#server.put((object as LeaseObject).spec ?? {});
    }) as Promise<unknown> as Promise<T>;
  }

  patch<T extends KubeObject>(_: Resource<T>, __: Key, body: object): Promise<T> {
    return this.#through(() => {
      const patch = body as LeaseObject;
      if (this.#server.lease === undefined) throw new KubernetesError('notFound', 'none');
      if (patch.metadata.resourceVersion !== this.#server.lease.metadata.resourceVersion)
        throw new KubernetesError('conflict', 'changed');
      return this.#server.put(patch.spec ?? {});
    }) as Promise<unknown> as Promise<T>;
  }

  async #through<R>(act: () => R): Promise<R> {
    await Promise.resolve();
    if (this.fault === 'cut') throw unknown();
    if (this.fault === 'hang') return new Promise(() => undefined);
    const result = act();
    if (this.fault === 'deaf' || this.deafOnce) {
      this.deafOnce = false;
      throw unknown();
    }
    return result;
  }
}

/** A process that stands for election and works until it is told to stop. */
class Candidate {
  readonly line: Line;
  readonly elector: LeaderElector;
  readonly root = new AbortController();
  readonly terms: AbortSignal[] = [];
  /** How long it takes to come to an end. */
  wrapUpMs = 0;
  running: Promise<void> = Promise.resolve();

  constructor(identity: string, options: Partial<LeaderElectorOptions> = {}) {
    this.line = new Line(server);
    this.elector = new LeaderElector({
      port: this.line,
      clock,
      random: () => 0,
      logger: silentLogger,
      lease: { name: 'operator', namespace: 'ns' },
      identity,
      ...options,
    });
  }

  async start(): Promise<this> {
    this.running = this.elector.run(this.root.signal, async (signal) => {
      this.terms.push(signal);
      await aborted(signal);
      if (this.wrapUpMs > 0) await clock.sleep(this.wrapUpMs);
    });
    await clock.settle();
    return this;
  }
}

let clock: VirtualClock;
let server: LeaseServer;
beforeEach(() => {
  clock = new VirtualClock();
  server = new LeaseServer();
});

const candidate = (identity: string, options?: Partial<LeaderElectorOptions>): Promise<Candidate> =>
  new Candidate(identity, options).start();

describe('election', () => {
  test('the first makes the lease and leads', async () => {
    const a = await candidate('a');
    expect([a.elector.isLeader, server.lease?.spec]).toEqual([
      true,
      {
        holderIdentity: 'a',
        leaseDurationSeconds: 15,
        acquireTime: '2026-01-01T00:00:00.000000Z',
        renewTime: '2026-01-01T00:00:00.000000Z',
        leaseTransitions: 0,
      },
    ]);
  });

  test('the second waits as long as the first renews', async () => {
    const [a, b] = [await candidate('a'), await candidate('b')];
    await clock.advance(600_000);
    expect([a.elector.isLeader, b.elector.isLeader, a.terms.length]).toEqual([true, false, 1]);
    expect(b.elector.holder).toBe('a');
  });

  test('a lease of a dead holder is taken 15 s after it was seen to change', async () => {
    server.put({
      holderIdentity: 'dead',
      leaseDurationSeconds: 15,
      renewTime: '2099-01-01T00:00:00.000000Z',
    });
    const a = await candidate('a');
    await clock.advance(14_999);
    expect(a.elector.isLeader).toBe(false);
    await clock.advance(2_000);
    expect([a.elector.isLeader, server.lease?.spec?.leaseTransitions]).toEqual([true, 1]);
  });

  test("the holder's own duration counts when it is longer", async () => {
    server.put({ holderIdentity: 'dead', leaseDurationSeconds: 60 });
    const a = await candidate('a');
    await clock.advance(59_000);
    expect(a.elector.isLeader).toBe(false);
    await clock.advance(3_000);
    expect(a.elector.isLeader).toBe(true);
  });

  test('a released lease is taken at once', async () => {
    server.put({ holderIdentity: '', leaseDurationSeconds: 1 });
    expect((await candidate('a')).elector.isLeader).toBe(true);
  });

  test('a lease that was deleted protects its holder all the same', async () => {
    server.put({ holderIdentity: 'other', leaseDurationSeconds: 15 });
    const a = await candidate('a');
    server.lease = undefined;
    await clock.advance(14_000);
    expect(a.elector.isLeader).toBe(false);
    await clock.advance(3_000);
    expect(a.elector.isLeader).toBe(true);
  });

  test('an acquisition whose answer was lost is looked up', async () => {
    const a = new Candidate('a');
    a.line.deafOnce = true;
    await a.start();
    expect([a.elector.isLeader, server.writes]).toEqual([true, 1]);
  });

  test('one that ran at the same time loses', async () => {
    const [a, b] = [new Candidate('a'), new Candidate('b')];
    await Promise.all([a.start(), b.start()]);
    expect([a.elector.isLeader, b.elector.isLeader].filter(Boolean)).toHaveLength(1);
  });

  test('a server that does not answer is asked again', async () => {
    const a = new Candidate('a');
    a.line.fault = 'cut';
    await a.start();
    await clock.advance(60_000);
    a.line.fault = 'none';
    await clock.advance(2_000);
    expect(a.elector.isLeader).toBe(true);
  });

  test('durations that cannot be safe are refused', () => {
    expect(() => new Candidate('a', { renewDeadlineMs: 15_000 })).toThrow(RangeError);
    expect(() => new Candidate('a', { retryPeriodMs: 10_000 })).toThrow(RangeError);
  });
});

describe('renewal', () => {
  test('somebody else’s label on the lease does not end the term', async () => {
    const a = await candidate('a');
    server.put({});
    await clock.advance(60_000);
    expect([a.elector.isLeader, a.terms.length]).toEqual([true, 1]);
  });

  test('a renewal whose answer was lost counts', async () => {
    const a = await candidate('a');
    for (let round = 0; round < 20; round++) {
      a.line.deafOnce = true;
      await clock.advance(2_000);
    }
    expect([a.elector.isLeader, a.terms.length]).toEqual([true, 1]);
  });

  test('a lease that somebody deleted is made again', async () => {
    const a = await candidate('a');
    server.lease = undefined;
    await clock.advance(4_000);
    expect([a.elector.isLeader, server.holder, a.terms.length]).toEqual([true, 'a', 1]);
  });

  test.each(['cut', 'hang'] as const)(
    'when renewals are %s, the term ends 10 s after the last one',
    async (fault) => {
      const a = await candidate('a');
      await clock.advance(4_000);
      a.line.fault = fault;
      await clock.advance(9_999);
      expect([a.elector.isLeader, a.terms[0]?.aborted]).toEqual([true, false]);
      await clock.advance(1);
      expect([a.elector.isLeader, a.terms[0]?.aborted]).toEqual([false, true]);
      expect(a.terms[0]?.reason).toBeInstanceOf(LeadershipLost);
    },
  );

  test('after the loss it stands again', async () => {
    const a = await candidate('a');
    a.line.fault = 'cut';
    await clock.advance(20_000);
    expect(a.terms).toHaveLength(1);
    a.line.fault = 'none';
    await clock.advance(20_000);
    expect([a.terms.length, a.elector.isLeader]).toEqual([2, true]);
  });

  test('the term ends as soon as the record names somebody else', async () => {
    const a = await candidate('a');
    server.put({ holderIdentity: 'thief' });
    await clock.advance(2_000);
    expect([a.elector.isLeader, a.terms[0]?.reason]).toMatchObject([false, { reason: 'taken' }]);
  });

  test('there are never two leaders, whatever is cut and when', async () => {
    const all = [await candidate('a'), await candidate('b'), await candidate('c')];
    const faults = ['none', 'cut', 'deaf', 'none'] as const;
    let led = 0;
    for (let step = 0; step < 5_000; step++) {
      await clock.advance(97);
      // Each line changes at its own pace.
      for (const [index, one] of all.entries())
        one.line.fault = faults[Math.floor(step / (157 + 59 * index)) % faults.length] ?? 'none';
      const leaders = all.filter(({ elector }) => elector.isLeader).length;
      expect(leaders).toBeLessThanOrEqual(1);
      led += leaders;
    }
    expect(led).toBeGreaterThan(1_000);
  });
});

describe('shutdown', () => {
  test('the lease is released, and the next leader takes over at once', async () => {
    const [a, b] = [await candidate('a'), await candidate('b')];
    await clock.advance(5_000);
    a.root.abort();
    await clock.settle();
    await a.running;
    expect(server.holder).toBe('');
    await clock.advance(2_000);
    expect(b.elector.isLeader).toBe(true);
  });

  test('while the work ends, the lease is kept', async () => {
    const a = new Candidate('a');
    a.wrapUpMs = 40_000;
    const [, b] = [await a.start(), await candidate('b')];
    a.root.abort();
    await clock.advance(39_000);
    expect([a.elector.isLeader, b.elector.isLeader, a.terms[0]?.aborted]).toEqual([true, false, true]);
    await clock.advance(3_000);
    expect([a.elector.isLeader, b.elector.isLeader]).toEqual([false, true]);
  });

  test('a release whose answer was lost is not repeated', async () => {
    const a = await candidate('a');
    a.line.deafOnce = true;
    const before = server.writes;
    a.root.abort();
    await a.running;
    expect([server.holder, server.writes]).toEqual(['', before + 1]);
  });

  test('a release meets a changed record and tries again', async () => {
    const a = await candidate('a');
    server.put({});
    a.root.abort();
    await a.running;
    expect(server.holder).toBe('');
  });

  test('a server that does not answer holds nobody up for long', async () => {
    const a = await candidate('a');
    a.line.fault = 'hang';
    a.root.abort();
    let ended = false;
    void a.running.then(() => (ended = true));
    await clock.advance(3_000);
    expect(ended).toBe(true);
  });

  test('a candidate stops at once, even while it waits for an answer', async () => {
    const a = new Candidate('a');
    a.line.fault = 'hang';
    await a.start();
    a.root.abort();
    await expect(a.running).resolves.toBeUndefined();
  });

  test('work that ends by itself ends the run and releases the lease', async () => {
    const a = new Candidate('a');
    await a.elector.run(a.root.signal, () => Promise.resolve());
    expect(server.holder).toBe('');
    await expect(a.elector.run(a.root.signal, () => Promise.reject(new Error('broken')))).rejects.toThrow(
      'broken',
    );
    expect(server.holder).toBe('');
  });
});

describe('fence', () => {
  const calls: string[] = [];
  const port = new Proxy({} as KubernetesPort, {
    get: (_, name) => () => {
      calls.push(String(name));
      return Promise.resolve();
    },
  });
  const Nodes: Resource = { group: '', version: 'v1', plural: 'nodes', kind: 'Node', namespaced: false };
  const key = { name: 'a' };
  const object = { metadata: key };
  const writes: [string, (fenced: KubernetesPort) => Promise<unknown>][] = [
    ['create', (fenced) => fenced.create(Nodes, object)],
    ['patch', (fenced) => fenced.patch(Nodes, key, {})],
    ['delete', (fenced) => fenced.delete(Nodes, key)],
    ['evict', (fenced) => fenced.evict({ name: 'p', namespace: 'n' }, { uid: 'u' })],
  ];

  test.each(writes)('%s passes while leading only', async (name, write) => {
    const a = await candidate('a');
    const fenced = fence(port, a.elector);
    calls.length = 0;
    await write(fenced);
    expect(calls).toEqual([name]);
    a.line.fault = 'cut';
    await clock.advance(12_000);
    await expect(write(fenced)).rejects.toMatchObject({ code: 'fenced', outcomeUnknown: false });
    expect(calls).toEqual([name]);
  });

  test('a write after a long pause finds the fence shut before any timer has run', async () => {
    let lateMs = 0;
    const paused: Clock = {
      now: () => clock.now(),
      monotonic: () => clock.monotonic() + lateMs,
      sleep: (ms, signal) => clock.sleep(ms, signal),
    };
    const b = await candidate('b', { clock: paused });
    expect(b.elector.isLeader).toBe(true);
    lateMs = 10_000;
    await expect(fence(port, b.elector).patch(Nodes, key, {})).rejects.toMatchObject({ code: 'fenced' });
    expect(b.terms[0]?.aborted).toBe(true);
  });

  test('once the work has ended nothing is written any more, though the lease were still ours', async () => {
    const a = await candidate('a');
    a.root.abort();
    await a.running;
    await expect(fence(port, a.elector).patch(Nodes, key, {})).rejects.toMatchObject({ code: 'fenced' });
  });

  test('reads pass without leadership', async () => {
    const fenced = fence(port, new Candidate('a').elector);
    calls.length = 0;
    await fenced.get(Nodes, key);
    await fenced.list(Nodes);
    await fenced.reviewToken('t', []);
    fenced.watch(Nodes, { resourceVersion: '1', signal: new AbortController().signal });
    fenced.clockSkewMs();
    expect(calls).toEqual(['get', 'list', 'reviewToken', 'watch', 'clockSkewMs']);
  });
});
