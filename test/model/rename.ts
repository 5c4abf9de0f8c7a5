/**
 * Boot ids and timestamps of the host are only ever compared for equality, and a new one differs from all before it.
 * So two members that differ by nothing but which ids were used up have the same futures: each is renamed to the
 * lowest numbers that keep the order. (The newest boot is the host's own, the next is one more: still a new one.)
 */
import type { Rules } from './rules.ts';
import type { Agent, Member, Report, Shadow, Staged, Told } from './world.ts';

type Rename = (old: number) => number;

/** Numbers kept in order, without gaps, from `first` on. */
function ranks(used: readonly number[], first: number): Rename {
  const sorted = [...new Set(used)].toSorted((a, b) => a - b);
  return (old) => {
    const at = sorted.indexOf(old);
    if (at < 0) throw new Error(`${old} is not known`);
    return at + first;
  };
}

const tolds = ({ shadow, agent }: Member): (Told | null)[] => [shadow, agent.cache, agent.put, agent.echo];

function bootsOf(m: Member): number[] {
  const found = [0, m.host.boot, m.node.boot];
  if (m.stale !== null) found.push(m.stale.boot);
  for (const t of tolds(m)) {
    if (t === null) continue;
    found.push(t.boot);
    if (t.staged !== null) found.push(t.staged.boot);
    if (t.intent !== null) found.push(t.intent.boot);
  }
  return found;
}

const stampOf = (text: string): number => Number(text.slice(1));

function stampsOf(m: Member): number[] {
  const { memory } = m.agent;
  const found = [0];
  if (m.host.last !== null) found.push(m.host.last.timestamp);
  if (memory.prepared !== undefined) found.push(stampOf(memory.prepared));
  if (memory.pending?.before !== undefined) found.push(stampOf(memory.pending.before));
  for (const t of tolds(m)) if (t?.staged) found.push(t.staged.timestamp);
  return found;
}

/** The same member with the lowest numbers. */
export function renamed(m: Member): Member {
  const boots = bootsOf(m);
  const stamps = stampsOf(m);
  const isLow = isDense(boots) && isDense(stamps) && m.host.clock === Math.max(...stamps);
  if (isLow) return m;
  const boot = ranks(boots, 0);
  const stamp = ranks(stamps, 0);
  const told = <T extends Told>(t: T): T => ({
    ...t,
    boot: boot(t.boot),
    staged: t.staged === null ? null : staged(t.staged),
    intent: t.intent === null ? null : { ...t.intent, boot: boot(t.intent.boot) },
  });
  const staged = (s: Staged): Staged => ({ ...s, boot: boot(s.boot), timestamp: stamp(s.timestamp) });
  const orNull = <T extends Report | Shadow>(t: T | null): T | null => (t === null ? null : told(t));
  const { last } = m.host;
  return {
    ...m,
    node: { ...m.node, boot: boot(m.node.boot) },
    stale: m.stale === null ? null : { ...m.stale, boot: boot(m.stale.boot) },
    shadow: orNull(m.shadow),
    host: {
      ...m.host,
      boot: boot(m.host.boot),
      last: last === null ? null : { ...last, timestamp: stamp(last.timestamp) },
      clock: Math.max(...stamps.map(stamp)),
    },
    agent: {
      ...m.agent,
      memory: memoryOf(m.agent.memory, stamp),
      cache: orNull(m.agent.cache),
      put: orNull(m.agent.put),
      echo: orNull(m.agent.echo),
    },
  };
}

function memoryOf(memory: Agent['memory'], stamp: Rename): Agent['memory'] {
  const text = (old: string): string => `t${stamp(stampOf(old))}`;
  const { prepared, pending } = memory;
  return {
    ...memory,
    ...(prepared === undefined ? {} : { prepared: text(prepared) }),
    ...(pending?.before === undefined ? {} : { pending: { ...pending, before: text(pending.before) } }),
  };
}

/**
 * A late report for another shadow, generation or sequence number is refused whenever it comes, so it may as well not
 * come; without the rule under test a sequence number is no ground.
 */
export function withoutDeadEcho(m: Member, { sequence }: Pick<Rules, 'sequence'>): Member {
  const { echo } = m.agent;
  if (echo === null) return m;
  const isAlive = echo.sameUid && echo.sameGeneration && (echo.sameSeq || !sequence);
  return isAlive ? m : { ...m, agent: { ...m.agent, echo: null } };
}

/** 0 to n without gaps. */
function isDense(used: readonly number[]): boolean {
  const max = Math.max(...used);
  for (let n = 0; n < max; n++) if (!used.includes(n)) return false;
  return true;
}
