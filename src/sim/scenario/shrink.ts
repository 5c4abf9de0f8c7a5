/**
 * Makes a failing story smaller: it leaves out what the failure does not need. Delta debugging (Zeller, Hildebrandt 2002)
 * over the events, then whole nodes, then the rest, until nothing more can go or the patience ends.
 */
import type { SimEvent } from './events/registry.ts';
import type { Scenario } from './scenario.ts';

export interface ShrinkOptions {
  /** Whether this story fails in the same way. */
  fails(scenario: Scenario): Promise<boolean>;
  /** How many stories may be played. @default 300 */
  patience?: number;
  /** Told of every smaller story found. */
  onSmaller?: (scenario: Scenario) => void;
}

/** A smaller story, or undefined when this way of making it smaller has no more. */
type Candidates = (scenario: Scenario) => Iterable<Scenario>;

const withEvents = (scenario: Scenario, events: SimEvent[]): Scenario => ({ ...scenario, events });

/** Without chunks of events: halves first, single ones last. */
function* fewerEvents(scenario: Scenario): Iterable<Scenario> {
  const { events } = scenario;
  for (let size = Math.ceil(events.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < events.length; at += size) {
      yield withEvents(scenario, [...events.slice(0, at), ...events.slice(at + size)]);
    }
  }
}

const isAbout = (event: SimEvent, node: string): boolean => 'node' in event && event.node === node;

/** Without one node and what happens to it. */
function* fewerNodes(scenario: Scenario): Iterable<Scenario> {
  if (scenario.nodes.length <= 1) return;
  for (const { name } of scenario.nodes) {
    yield {
      ...scenario,
      nodes: scenario.nodes.filter((node) => node.name !== name),
      events: scenario.events.filter((event) => !isAbout(event, name)),
    };
  }
}

/** Without one policy. */
function* fewerPolicies(scenario: Scenario): Iterable<Scenario> {
  if (scenario.policies.length <= 1) return;
  for (const policy of scenario.policies) {
    yield { ...scenario, policies: scenario.policies.filter((each) => each !== policy) };
  }
}

/** With what lasts lasting half as long, and the calm coming right after the last event. */
function* shorter(scenario: Scenario): Iterable<Scenario> {
  const { events } = scenario;
  const lastMs = Math.max(60_000, ...events.map(({ atMs }) => atMs + 1000));
  if (lastMs < scenario.calmAfterMs) yield { ...scenario, calmAfterMs: lastMs };
  for (const [index, event] of events.entries()) {
    if (!('forMs' in event) || event.forMs < 2000) continue;
    const changed = { ...event, forMs: Math.round(event.forMs / 2) };
    yield withEvents(scenario, events.with(index, changed));
  }
}

const WAYS: readonly Candidates[] = [fewerEvents, fewerNodes, fewerPolicies, shorter];

/** @returns the smallest story found; the given one when nothing can go. */
export async function shrink(scenario: Scenario, options: ShrinkOptions): Promise<Scenario> {
  let left = options.patience ?? 300;
  let smallest = scenario;

  /** The first candidate that fails becomes the smallest. @returns whether there was one. */
  const step = async (candidates: Candidates): Promise<boolean> => {
    for (const candidate of candidates(smallest)) {
      if (left-- <= 0) return false;
      if (!(await options.fails(candidate))) continue;
      smallest = candidate;
      options.onSmaller?.(candidate);
      return true;
    }
    return false;
  };

  // When a way finds something, those before it may find more again.
  for (let way = 0; way < WAYS.length;) {
    const candidates = WAYS[way] as Candidates;
    way = (await step(candidates)) ? 0 : way + 1;
  }
  return smallest;
}
