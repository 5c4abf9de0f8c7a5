import { beforeEach, describe, expect, it } from 'vitest';
import { shadowName } from '../../api/names.ts';
import type { StreamLine } from '../../api/wire.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { seededRandom } from '../../sim/random.ts';
import type { Identity } from '../auth/identity.ts';
import { ListSink, shadowOf } from '../testworld.ts';
import { StreamHub } from './hub.ts';
import type { AgentStream, StreamEnd } from './stream.ts';

const HOUR_MS = 3_600_000;

let clock: VirtualClock;
let hub: StreamHub;
let ends: StreamEnd[];
let running: AbortController;

beforeEach(() => {
  clock = new VirtualClock();
  ends = [];
  running = new AbortController();
  hub = new StreamHub({ clock, onEnd: (why) => ends.push(why) });
  void hub.run(running.signal);
});

const agentOn = (node: string, overrides: Partial<Identity> = {}): Identity => ({
  node,
  nodeUid: `node-uid-${node}`,
  pod: `agent-${node}`,
  podUid: `pod-uid-${node}`,
  expiresAtMs: clock.now() + HOUR_MS,
  ...overrides,
});

/** Opens a stream of the agent on a node, which has a shadow. */
const open = (node: string, overrides: Partial<Identity> = {}): { sink: ListSink; stream: AgentStream } => {
  const sink = new ListSink();
  return { sink, stream: hub.open(agentOn(node, overrides), { sink, current: shadowOf(node) }) };
};

const attempt = (line: string | undefined): number | undefined => {
  const parsed = JSON.parse(line ?? 'null') as StreamLine;
  return parsed.type === 'SHADOW' ? parsed.object.spec.attempt : undefined;
};

const changeTo = (node: string, number: number): void =>
  hub.shadowChanged(shadowOf(node, { spec: { attempt: number } }), undefined);

describe('a stream', () => {
  it('begins with the shadow as it is, without what is not for the agent', () => {
    const sink = new ListSink();
    const status = { current_state: 'Idle' as const, crash_count: 3, conditions: [] };
    hub.open(agentOn('a'), { sink, current: shadowOf('a', { status, generation: 4 }) });
    expect(sink.lines[0]?.endsWith('\n')).toBe(true);
    expect(JSON.parse(sink.lines[0] ?? '')).toEqual({
      type: 'SHADOW',
      object: {
        metadata: { name: 'brs-a', uid: 'shadow-uid-a', generation: 4 },
        spec: { state: 'Idle' },
        status: { current_state: 'Idle' },
      },
    });
  });

  it('begins with a heartbeat where there is no shadow, and goes on when there is one', () => {
    const sink = new ListSink();
    hub.open(agentOn('a'), { sink, current: undefined });
    hub.shadowChanged(shadowOf('a'), undefined);
    expect(sink.types).toEqual(['HEARTBEAT', 'SHADOW']);
  });

  it('carries the changes of its own shadow only', () => {
    const a = open('a');
    const b = open('b');
    changeTo('a', 1);
    expect(a.sink.types).toEqual(['SHADOW', 'SHADOW']);
    expect(b.sink.types).toEqual(['SHADOW']);
  });

  it('does not repeat what the agent knows: writes to the part of others are no news', () => {
    const { sink } = open('a');
    const before = shadowOf('a');
    hub.shadowChanged({ ...before, metadata: { ...before.metadata, resourceVersion: '99' } }, before);
    hub.shadowChanged(shadowOf('a', { status: { crash_count: 1 } }), shadowOf('a', { status: {} }));
    expect(sink.types).toEqual(['SHADOW']);
  });

  it('says that the shadow is gone and waits for the next', () => {
    const { sink } = open('a');
    hub.shadowDeleted(shadowName('a'));
    hub.shadowChanged(shadowOf('a'), undefined);
    expect(sink.types).toEqual(['SHADOW', 'GONE', 'SHADOW']);
    expect(hub.size).toBe(1);
  });

  it('has a heartbeat every 20 s, each with the time', async () => {
    const { sink } = open('a');
    await clock.advance(60_000);
    expect(sink.types).toEqual(['SHADOW', 'HEARTBEAT', 'HEARTBEAT', 'HEARTBEAT']);
    const times = sink.lines.slice(1).map((line) => Date.parse((JSON.parse(line) as { at: string }).at));
    expect(times.slice(1).map((at, n) => at - (times[n] ?? 0))).toEqual([20_000, 20_000]);
  });

  it('heartbeats of many are spread over the 20 s', async () => {
    const sinks = Array.from({ length: 40 }, (_, n) => open(`n${n}`).sink);
    await clock.advance(1000);
    expect(sinks.filter((sink) => sink.types.includes('HEARTBEAT'))).toHaveLength(2);
  });
});

describe('a stream ends', () => {
  it('when its token does', async () => {
    const { sink } = open('a', { expiresAtMs: clock.now() + 5000 });
    await clock.advance(4000);
    expect(sink.ended).toBe(false);
    await clock.advance(1000);
    expect(sink.ended).toBe(true);
    expect(ends).toEqual(['expired']);
  });

  it('when another Node of that name owns the shadow, which its agent never sees', () => {
    const { sink } = open('a');
    hub.shadowChanged(shadowOf('a', { nodeUid: 'made anew' }), shadowOf('a'));
    expect(sink.types).toEqual(['SHADOW']);
    expect(ends).toEqual(['ownerChanged']);
  });

  it('when its pod is gone, and only then', () => {
    const a = open('a');
    const b = open('b');
    hub.podGone('pod-uid-a');
    expect([a.sink.ended, b.sink.ended]).toEqual([true, false]);
    expect(ends).toEqual(['podGone']);
  });

  it('when the same pod opens a third', () => {
    const sinks = [1, 2, 3].map(() => open('a').sink);
    expect(sinks.map((sink) => sink.ended)).toEqual([true, false, false]);
    expect(ends).toEqual(['replaced']);
  });

  it('when the reader has read nothing for a minute', async () => {
    const { sink } = open('a');
    sink.full = true;
    changeTo('a', 1);
    await clock.advance(59_000);
    expect(sink.ended).toBe(false);
    await clock.advance(1000);
    expect(ends).toEqual(['stalled']);
  });

  it('when the agent hangs up, and is then not written to', () => {
    const { sink, stream } = open('a');
    stream.closed();
    stream.closed();
    changeTo('a', 1);
    expect(ends).toEqual(['client']);
    expect(sink.types).toEqual(['SHADOW']);
    expect(hub.size).toBe(0);
  });
});

describe('a slow reader', () => {
  it('gets the latest state only, and no heartbeats it has no room for', async () => {
    const { sink, stream } = open('a');
    sink.full = true;
    changeTo('a', 1);
    for (const number of [2, 3, 4]) changeTo('a', number);
    await clock.advance(40_000);
    expect(sink.lines).toHaveLength(2);
    sink.full = false;
    stream.drained(clock.monotonic());
    expect(sink.lines.map(attempt)).toEqual([undefined, 1, 4]);
    changeTo('a', 5);
    expect(attempt(sink.lines.at(-1))).toBe(5);
  });
});

describe('a drain', () => {
  it('ends all streams within 3 s, spread', async () => {
    for (let n = 0; n < 300; n += 1) open(`n${n}`);
    const drained = hub.drain({ withinMs: 3000, random: seededRandom(1) });
    await clock.advance(1000);
    expect(hub.size).toBeGreaterThan(150);
    expect(hub.size).toBeLessThan(250);
    await clock.advance(2100);
    await drained;
    expect(hub.size).toBe(0);
    expect(new Set(ends)).toEqual(new Set(['drained']));
  });
});

describe('the wheel', () => {
  it('stops with its signal', async () => {
    const { sink } = open('a');
    running.abort();
    await clock.advance(60_000);
    expect(sink.types).toEqual(['SHADOW']);
    expect(clock.pending).toBe(0);
  });
});
