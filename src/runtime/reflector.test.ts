import { beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../sim/clock.ts';
import {
  type KubeObject,
  KubernetesError,
  type KubernetesErrorCode,
  type KubernetesPort,
  type List,
  type ListOptions,
  type Resource,
  type WatchEvent,
  type WatchOptions,
} from './kubernetes.ts';
import { silentLogger } from './log.ts';
import { Reflector, type ReflectorOptions } from './reflector.ts';

interface Box extends KubeObject {
  color?: string;
}
const Boxes: Resource<Box> = { group: '', version: 'v1', plural: 'boxes', kind: 'Box', namespaced: false };

const box = (name: string, resourceVersion: number, color = 'red'): Box => ({
  metadata: { name, uid: `uid-${name}`, resourceVersion: String(resourceVersion) },
  color,
});

/** A server that is told answer by answer what to do; what it was not told hangs. */
class ScriptedServer implements Pick<KubernetesPort, 'list' | 'watch'> {
  readonly lists: ListOptions[] = [];
  readonly watches: WatchOptions[] = [];
  readonly #pages: (List<Box> | KubernetesError)[] = [];
  #feed: ((item: WatchEvent<Box> | Error | 'end') => void) | undefined;

  page(resourceVersion: number, items: Box[], next?: string): this {
    this.#pages.push({
      items,
      resourceVersion: String(resourceVersion),
      ...(next !== undefined && { continue: next }),
    });
    return this;
  }

  failList(code: KubernetesErrorCode, retryAfterMs?: number): this {
    this.#pages.push(errorOf(code, retryAfterMs));
    return this;
  }

  send(item: WatchEvent<Box> | Error | 'end'): void {
    if (this.#feed === undefined) throw new Error('Nobody watches');
    this.#feed(item);
  }

  list<T extends KubeObject>(_: Resource<T>, options: ListOptions = {}): Promise<List<T>> {
    this.lists.push(options);
    const page = this.#pages.shift();
    if (page === undefined) return new Promise(() => undefined);
    return page instanceof Error ? Promise.reject(page) : Promise.resolve(page as unknown as List<T>);
  }

  async *watch<T extends KubeObject>(_: Resource<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    this.watches.push(options);
    const queue: (WatchEvent<Box> | Error | 'end')[] = [];
    let wake: (() => void) | undefined;
    this.#feed = (item) => {
      queue.push(item);
      wake?.();
    };
    options.signal.addEventListener('abort', () => this.#feed?.('end'));
    for (;;) {
      const item = queue.shift();
      if (item === 'end') return;
      if (item instanceof Error) throw item;
      if (item !== undefined) yield item as unknown as WatchEvent<T>;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  }
}

const errorOf = (code: KubernetesErrorCode, retryAfterMs?: number): KubernetesError =>
  new KubernetesError(code, code, retryAfterMs === undefined ? {} : { retryAfterMs });

let clock: VirtualClock;
let server: ScriptedServer;
let reflector: Reflector<Box, 'color'>;
let changes: string[];
let stop: AbortController;

const start = async (options: Partial<ReflectorOptions<Box, 'color'>> = {}): Promise<void> => {
  reflector = new Reflector<Box, 'color'>({
    port: server,
    resource: Boxes,
    clock,
    random: () => 0.5,
    logger: silentLogger,
    indexes: { color: (object) => [object.color ?? ''] },
    ...options,
  });
  reflector.onChange((key, old, object) =>
    changes.push(`${key}: ${old?.color ?? 'none'} → ${object?.color ?? 'none'}`),
  );
  void reflector.run(stop.signal);
  await clock.settle();
};

const send = async (item: WatchEvent<Box> | Error | 'end'): Promise<void> => {
  server.send(item);
  await clock.settle();
};
const bookmark = (resourceVersion: number): WatchEvent<Box> => ({
  type: 'BOOKMARK',
  resourceVersion: String(resourceVersion),
});
const held = (): string[] => reflector.store.list().map(({ metadata }) => metadata.name);

beforeEach(() => {
  clock = new VirtualClock();
  server = new ScriptedServer();
  changes = [];
  stop = new AbortController();
});

describe('listing', () => {
  test('takes all pages, most recent first read, before it is synced', async () => {
    server.page(10, [box('a', 1)], 'more');
    await start({ pageSize: 1, selection: { labelSelector: 'x=y' } });
    expect([reflector.synced, held()]).toEqual([false, []]);
    stop.abort();
    stop = new AbortController();
    server.page(10, [box('a', 1)], 'more').page(10, [box('b', 2)]);
    await start({ pageSize: 1, selection: { labelSelector: 'x=y' } });
    expect([reflector.synced, reflector.position, held()]).toEqual([true, '10', ['a', 'b']]);
    expect(server.lists.slice(-2)).toEqual([
      { labelSelector: 'x=y', limit: 1 },
      { labelSelector: 'x=y', limit: 1, continue: 'more' },
    ]);
    expect(server.watches[0]).toMatchObject({ resourceVersion: '10', labelSelector: 'x=y' });
  });

  test('drops managedFields', async () => {
    const loaded = { ...box('a', 1), metadata: { ...box('a', 1).metadata, managedFields: [{}] } };
    server.page(10, [loaded]);
    await start();
    expect(reflector.store.get('a')).toEqual(box('a', 1));
  });

  test('keeps what the transform keeps', async () => {
    server.page(10, [box('a', 1)]);
    await start({ transform: ({ metadata }) => ({ metadata }) });
    expect(reflector.store.get('a')).not.toHaveProperty('color');
  });

  test.each(['server', 'unknown', 'forbidden', 'throttled'] as const)('survives %s', async (code) => {
    server.failList(code).failList(code).page(10, []);
    await start();
    await clock.advance(5_000);
    expect(reflector.synced).toBe(true);
  });

  test('waits as long as the server asks', async () => {
    server.failList('throttled', 60_000).page(10, []);
    await start();
    await clock.advance(59_999);
    expect(reflector.synced).toBe(false);
    await clock.advance(1);
    expect(reflector.synced).toBe(true);
  });

  test('an error in the middle repeats the page, not the list', async () => {
    server
      .page(10, [box('a', 1)], 'more')
      .failList('server')
      .page(10, [box('b', 2)]);
    await start();
    await clock.advance(5_000);
    expect(held()).toEqual(['a', 'b']);
    expect(server.lists.map((options) => options.continue)).toEqual([undefined, 'more', 'more']);
  });

  test('when the pages have expired it lists without pages', async () => {
    server
      .page(10, [box('a', 1)], 'more')
      .failList('expired')
      .page(20, [box('b', 15)]);
    await start();
    await clock.advance(5_000);
    expect([held(), server.lists.at(-1)]).toEqual([['b'], {}]);
  });
});

describe('watching', () => {
  beforeEach(async () => {
    server.page(10, [box('a', 5)]);
    await start();
    changes = [];
  });

  test('follows events and tells of changes', async () => {
    await send({ type: 'ADDED', object: box('b', 11, 'blue') });
    await send({ type: 'MODIFIED', object: box('a', 12, 'green') });
    await send({ type: 'DELETED', object: box('b', 13) });
    expect(changes).toEqual(['b: none → blue', 'a: red → green', 'b: blue → none']);
    expect([held(), reflector.position]).toEqual([['a'], '13']);
    expect(reflector.store.byIndex('color', 'green')).toHaveLength(1);
  });

  test('the position moves with events and bookmarks, and never back', async () => {
    expect([reflector.passed('10'), reflector.passed('11')]).toEqual([true, false]);
    await send(bookmark(20));
    expect([reflector.passed('20'), reflector.passed('100')]).toEqual([true, false]);
    await send({ type: 'MODIFIED', object: box('a', 15, 'stale') });
    expect([reflector.position, changes]).toEqual(['20', []]);
  });

  test('whenPassed waits for the position', async () => {
    let passed = false;
    const waiting = reflector.whenPassed('30', stop.signal).then(() => (passed = true));
    await send(bookmark(29));
    expect(passed).toBe(false);
    await send(bookmark(30));
    await waiting;
    const impatient = new AbortController();
    const never = reflector.whenPassed('99', impatient.signal);
    impatient.abort(new Error('enough'));
    await expect(never).rejects.toThrow('enough');
  });

  test('the removal of something never seen is no change', async () => {
    await send({ type: 'DELETED', object: box('zz', 11) });
    expect([changes, reflector.position]).toEqual([[], '11']);
  });

  test('a watch that the server ends goes on from the position', async () => {
    await send(bookmark(20));
    await send('end');
    expect(server.watches.map(({ resourceVersion }) => resourceVersion)).toEqual(['10', '20']);
    expect(server.lists).toHaveLength(1);
  });

  test.each(['server', 'unknown', 'throttled'] as const)(
    'after %s it goes on from the position',
    async (code) => {
      await send(bookmark(20));
      await send(errorOf(code));
      await clock.advance(2_000);
      expect(server.watches.map(({ resourceVersion }) => resourceVersion)).toEqual(['10', '20']);
      expect(server.lists).toHaveLength(1);
    },
  );

  test('after 410 it lists at once, and tells only of what differs', async () => {
    server.page(50, [box('a', 5), box('c', 40, 'cyan')]);
    await send(errorOf('expired'));
    expect(changes).toEqual(['c: none → cyan']);
    expect([reflector.position, server.watches.at(-1)?.resourceVersion]).toEqual(['50', '50']);
  });

  test('a list after a gap finds removals and replacements', async () => {
    await send({ type: 'ADDED', object: box('b', 11, 'blue') });
    server.page(50, [
      { ...box('b', 45, 'black'), metadata: { name: 'b', uid: 'other', resourceVersion: '45' } },
    ]);
    await send(errorOf('expired'));
    expect(changes).toEqual(['b: none → blue', 'a: red → none', 'b: blue → black']);
    expect(reflector.store.byIndex('color', 'red')).toEqual([]);
  });

  test('repeated 410s do not become a hot loop', async () => {
    for (let round = 0; round < 50; round++) server.page(50, []);
    const expiring = clock.advance(10_000);
    server.watch = () => {
      throw errorOf('expired');
    };
    await send(errorOf('expired'));
    await expiring;
    expect(server.lists.length).toBeLessThan(10);
  });

  test('watches that end at once do not become a hot loop', async () => {
    let watches = 0;
    // oxlint-disable-next-line require-yield
    server.watch = async function* () {
      watches += 1;
    };
    await send('end');
    await clock.advance(10_000);
    expect(watches).toBeGreaterThan(1);
    expect(watches).toBeLessThan(10);
  });

  test('the copy stays while the server is away', async () => {
    server.watch = () => {
      throw errorOf('unknown');
    };
    await send(errorOf('unknown'));
    await clock.advance(600_000);
    expect([held(), reflector.synced]).toEqual([['a'], true]);
  });

  test('a watch has an end that differs from process to process', () => {
    expect(server.watches[0]?.timeoutSeconds).toBe(360);
  });

  test('the listener that throws harms nobody', async () => {
    reflector.onChange(() => {
      throw new Error('oops');
    });
    const seen: string[] = [];
    reflector.onChange((key) => seen.push(key));
    await send({ type: 'ADDED', object: box('b', 11) });
    await send({ type: 'ADDED', object: box('c', 12) });
    expect(seen).toEqual(['b', 'c']);
  });

  test('a listener can leave', async () => {
    let calls = 0;
    const leave = reflector.onChange(() => (calls += 1));
    leave();
    await send({ type: 'ADDED', object: box('b', 11) });
    expect(calls).toBe(0);
  });

  test('stops when told, and leaves no timer', async () => {
    stop.abort();
    await clock.settle();
    expect(clock.pending).toBe(0);
  });
});

describe('silence', () => {
  beforeEach(async () => {
    server.page(10, []);
    await start({ silenceMs: 90_000 });
  });

  test('a watch without any news is replaced, and after four the position is doubted', async () => {
    await clock.advance(90_000);
    expect([server.watches.length, server.watches[0]?.signal.aborted]).toEqual([2, true]);
    await clock.advance(180_000);
    expect([server.watches.length, server.lists.length]).toEqual([4, 1]);
    server.page(60, []);
    await clock.advance(90_000);
    expect([server.lists.length, reflector.position]).toEqual([2, '60']);
  });

  test('a watch that the server accepts is a contact', async () => {
    await clock.advance(80_000);
    server.watches[0]?.onOpen?.();
    expect(reflector.lastContactMonotonicMs).toBe(80_000);
  });

  test('bookmarks keep it alive', async () => {
    for (let minute = 1; minute <= 10; minute++) {
      await clock.advance(60_000);
      await send(bookmark(10 + minute));
    }
    expect(server.watches).toHaveLength(1);
  });

  test('the last contact is that of the last news', async () => {
    const listed = reflector.lastContactMonotonicMs;
    await clock.advance(50_000);
    expect(reflector.lastContactMonotonicMs).toBe(listed);
    await send(bookmark(11));
    expect(reflector.lastContactMonotonicMs).toBe(50_000);
    await send(errorOf('server'));
    await clock.advance(10_000);
    expect(reflector.lastContactMonotonicMs).toBe(50_000);
  });
});
