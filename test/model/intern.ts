/**
 * Equal parts of worlds are made one object with a small number, so that a world is known by a few numbers: exactly,
 * not by a hash, and for little. What was decided on equal parts is looked up by these numbers too.
 */
import { renamed, withoutDeadEcho } from './rename.ts';
import type { Rules } from './rules.ts';
import type { Agent, Host, KubeNode, Member, Pending, Policy, Report, Shadow, World } from './world.ts';

/** Where a part that stands for all its equals keeps its number; copies of it do not inherit it. */
const NUMBER = Symbol('number');
type Numbered = { readonly [NUMBER]?: number };

const numberOf = (part: object): number => {
  const known = (part as Numbered)[NUMBER];
  if (known === undefined) throw new Error('a part without a number');
  return known;
};

/** One kind of part: of equal parts one object stands for all. */
class Pool<T extends object> {
  readonly #known = new Map<string, T>();
  readonly #text: (part: T) => string;
  readonly #made: (part: T) => T;

  /** @param made the part made of parts that stand for all their equals. */
  constructor(text: (part: T) => string, made: (part: T) => T = (part) => part) {
    this.#text = text;
    this.#made = made;
  }

  /** The object that stands for a part. */
  one(part: T): T {
    if ((part as Numbered)[NUMBER] !== undefined) return part;
    const made = this.#made(part);
    const text = this.#text(made);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    Object.defineProperty(made, NUMBER, { value: this.#known.size });
    this.#known.set(text, made);
    return made;
  }
}

const valuesOf = (part: object): string => JSON.stringify(Object.values(part));

const intentText = (intent: Report['intent']): string =>
  intent === null ? '' : `${intent.boot}${intent.old ? 'o' : 'y'}${intent.nth}`;

const toldText = (t: Report | Shadow): string =>
  `${t.version}${t.error ?? ''},${t.boot},${t.update},${
    t.staged === null ? '' : `${t.staged.attempt}.${t.staged.boot}.${t.staged.timestamp}`
  },${t.saved ? 's' : ''}${t.checked ? 'c' : ''},${intentText(t.intent)}`;

const shadowText = (s: Shadow): string =>
  `${toldText(s)}|${s.uid},${s.state},${s.attempt},${s.deadline},${s.unseen ? 'u' : ''}${s.deleting ? 'd' : ''}${
    s.seen ? 's' : ''
  },${s.notAfter},${s.owner},${s.outcome},${s.outcomeAttempt},${s.reported},${s.errorAttempt},${s.backoff}`;

const reportText = (r: Report): string =>
  `${toldText(r)}|${r.state}${r.sameUid ? 'u' : ''}${r.sameGeneration ? 'g' : ''}${r.sameSeq ? 's' : ''}`;

/** Puts into a list the objects that stand for its parts: they are equal, so nothing changes. */
function settle<T extends object>(list: readonly (T | null)[], pool: Pool<T>): void {
  for (let i = 0; i < list.length; i++) {
    const part = list[i];
    if (part !== null && part !== undefined) (list as T[])[i] = pool.one(part);
  }
}

/** The numbers of one exploration. */
export class Numbers {
  readonly #rules: Rules;
  readonly #nodes = new Pool<KubeNode>(valuesOf);
  readonly #hosts = new Pool<Host>(valuesOf);
  readonly #shadows = new Pool<Shadow>(shadowText);
  readonly #reports = new Pool<Report>(reportText);
  readonly #memories = new Pool<Agent['memory']>((memory) => JSON.stringify(memory));
  readonly #agents = new Pool<Agent>(
    (a) =>
      `${numberOf(a.memory)},${orNone(a.cache)},${a.staleSpec ? 1 : 0}${a.staleSeq ? 1 : 0},${orNone(a.put)},${orNone(a.echo)}`,
    (a) => ({
      memory: this.#memories.one(a.memory),
      cache: a.cache === null ? null : this.#shadows.one(a.cache),
      staleSpec: a.staleSpec,
      staleSeq: a.staleSeq,
      put: a.put === null ? null : this.#reports.one(a.put),
      echo: a.echo === null ? null : this.#reports.one(a.echo),
    }),
  );
  readonly #members = new Pool<Member>(
    (m) =>
      `${numberOf(m.node)},${orNone(m.stale)},${orNone(m.shadow)},${numberOf(m.host)},${numberOf(m.agent)},${m.shadows}`,
    (any) => {
      const m = renamed(withoutDeadEcho(any, this.#rules));
      return {
        node: this.#nodes.one(m.node),
        stale: m.stale === null ? null : this.#nodes.one(m.stale),
        shadow: m.shadow === null ? null : this.#shadows.one(m.shadow),
        host: this.#hosts.one(m.host),
        agent: this.#agents.one(m.agent),
        shadows: m.shadows,
      };
    },
  );
  readonly #policies = new Pool<Policy>(valuesOf);
  readonly #pending = new Pool<Pending>(valuesOf);
  /** All of a world but its members. */
  readonly #rests: Map<number, number>[] = [];
  readonly #pairs = new Map<number, number>();

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  /** The member that stands for all its equals. */
  member(m: Member): Member {
    return this.#members.one(m);
  }

  /** The number of a world: equal numbers, equal futures. Leaders are alike, so their order does not matter. */
  world(w: World): number {
    settle(w.members, this.#members);
    settle(w.policies, this.#policies);
    settle(w.leaders, this.#pending);
    const [a, b] = w.members;
    if (a === undefined) throw new Error('a world without nodes');
    const crew = b === undefined ? numberOf(a) : number(this.#pairs, numberOf(a) * LIMIT + numberOf(b));
    let rest = WINDOWS.indexOf(w.window) * 8 + w.faults;
    let depth = 0;
    for (const policy of w.policies) rest = this.#chain(depth++, rest, numberOf(policy));
    for (const each of this.#crew(w)) rest = this.#chain(depth++, rest, each);
    return bounded(crew) * LIMIT + bounded(rest);
  }

  /** A number for a list so far and its next item; each place in the list counts for itself. */
  #chain(depth: number, before: number, item: number): number {
    let known = this.#rests[depth];
    if (known === undefined) this.#rests[depth] = known = new Map();
    return number(known, bounded(before) * LIMIT + bounded(item));
  }

  /** What the leaders have under way, in an order of its own. */
  #crew(w: World): readonly number[] {
    const pending = w.leaders.map((p) => (p === null ? 0 : numberOf(p) + 1));
    return pending.length > 1 ? pending.toSorted(ascending) : pending;
  }
}

const orNone = (part: object | null): string => (part === null ? '' : String(numberOf(part)));

/** The number of a part of a world whose own number was asked for. */
export const idOf = numberOf;

const ascending = (a: number, b: number): number => a - b;

const WINDOWS = ['open', 'closed', 'blackout'] as const;

/** Two numbers below this make one that is exact. */
const LIMIT = 2 ** 26;

function bounded(id: number): number {
  if (id >= LIMIT) throw new RangeError('too many parts for exact numbers');
  return id;
}

function number<K>(known: Map<K, number>, key: K): number {
  let id = known.get(key);
  if (id === undefined) {
    id = known.size;
    known.set(key, id);
  }
  return id;
}
