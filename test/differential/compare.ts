/**
 * Compares answers field by field. What has to differ is paired instead: every UID and every version of one cluster
 * belongs to exactly one of the other, and versions are in the same order.
 */
import type { Answer, ErrorAnswer } from './side.ts';

type Fields = Record<string, unknown>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Fields that hold the server's own time. */
const TIMES = new Set(['creationTimestamp', 'deletionTimestamp', 'lastTransitionTime']);
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const UUID = /\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g;

/** Versions and UIDs in messages. */
const neutral = (message: string): string =>
  message
    .replaceAll(UUID, '<uid>')
    .replaceAll(/(ResourceVersion in (precondition|record)|the precondition) \(\d+\)/g, '$1 (<version>)')
    .replaceAll(/in record \(\d+\)/g, 'in record (<version>)')
    .replaceAll(/ResourceVersion in (precondition|object meta): \d+/g, 'ResourceVersion in $1: <version>')
    .replaceAll(/too old resource version: \d+ \(\d+\)/g, 'too old resource version')
    .replaceAll(/Too large resource version: \d+, current: \d+/g, 'Too large resource version')
    .replaceAll(/-[bcdfghjklmnpqrstvwxz2456789]{5}"/g, '-<generated>"');

/** One way to one, in both directions. */
class Pairs {
  readonly #there = new Map<string, string>();
  readonly #back = new Map<string, string>();

  copy(): Pairs {
    const copy = new Pairs();
    for (const [one, other] of this.#there) copy.pair(one, other);
    return copy;
  }

  /** @returns whether these two belong together, or now do */
  pair(one: string, other: string): boolean {
    const [known, knownBack] = [this.#there.get(one), this.#back.get(other)];
    if (known !== undefined || knownBack !== undefined) return known === other && knownBack === one;
    this.#there.set(one, other);
    this.#back.set(other, one);
    return true;
  }

  /** Whether greater belongs to greater. */
  keepsOrder(one: string, other: string): boolean {
    return [...this.#there].every(
      ([a, b]) => Math.sign(Number(a) - Number(one)) === Math.sign(Number(b) - Number(other)),
    );
  }
}

/** Remembers what belongs together through a whole story. */
export class Comparison {
  #uids = new Pairs();
  #versions = new Pairs();

  /** One to try with: what it pairs is not remembered here. */
  fork(): Comparison {
    const fork = new Comparison();
    fork.#uids = this.#uids.copy();
    fork.#versions = this.#versions.copy();
    return fork;
  }

  /** Takes over what a fork has paired. */
  join(fork: Comparison): void {
    this.#uids = fork.#uids;
    this.#versions = fork.#versions;
  }

  /**
   * What differs, a line each, with its path. Empty = the same.
   * @param isOurs of our own kinds it counts which fields are refused, too; nobody asks that of the others
   */
  answers(simulated: Answer, real: Answer, isOurs = true): string[] {
    if ('error' in simulated && 'error' in real)
      return this.#errors(simulated.error, real.error, isOurs || simulated.error.code !== 'invalid');
    if ('error' in simulated || 'error' in real) return [line('', simulated, real)];
    return this.#values(simulated.value, real.value, '');
  }

  #errors(simulated: ErrorAnswer, real: ErrorAnswer, withCauses: boolean): string[] {
    const said = (error: ErrorAnswer): Fields => ({
      code: error.code,
      status: error.status,
      retryAfterMs: error.retryAfterMs,
      message: wording(error),
      causes: withCauses ? causesOf(error) : [],
    });
    const differences = this.#values(said(simulated), said(real), 'error');
    return differences.length === 0 ? [] : [...differences, `told: ${simulated.message} | ${real.message}`];
  }

  #values(simulated: unknown, real: unknown, path: string): string[] {
    if (Array.isArray(simulated) && Array.isArray(real)) return this.#lists(simulated, real, path);
    if (isFields(simulated) && isFields(real)) {
      const keys = new Set([...Object.keys(simulated), ...Object.keys(real)]);
      return [...keys].flatMap((key) =>
        this.#field(simulated[key], real[key], path === '' ? key : `${path}.${key}`),
      );
    }
    return Object.is(simulated, real) ? [] : [line(path, simulated, real)];
  }

  #lists(simulated: unknown[], real: unknown[], path: string): string[] {
    if (simulated.length !== real.length) return [line(path, simulated, real)];
    return simulated.flatMap((item, index) => this.#values(item, real[index], `${path}[${index}]`));
  }

  #field(simulated: unknown, real: unknown, path: string): string[] {
    const name = path.slice(path.lastIndexOf('.') + 1);
    if (typeof simulated !== 'string' || typeof real !== 'string' || simulated === real)
      return this.#values(simulated, real, path);
    if (name === 'uid')
      return this.#uids.pair(simulated, real) ? [] : [line(`${path} (of another)`, simulated, real)];
    if (name === 'resourceVersion') return this.#version(simulated, real, path);
    const isTime = TIMES.has(name) || path.includes('disruptedPods');
    if (isTime && RFC3339.test(simulated) && RFC3339.test(real)) return [];
    return [line(path, simulated, real)];
  }

  #version(simulated: string, real: string, path: string): string[] {
    if (!this.#versions.keepsOrder(simulated, real))
      return [line(`${path} (in another order)`, simulated, real)];
    return this.#versions.pair(simulated, real) ? [] : [line(`${path} (of another)`, simulated, real)];
  }
}

/** Of refused objects and forgotten versions the words differ. */
const wording = ({ code, message }: ErrorAnswer): string =>
  ['invalid', 'expired'].includes(code) ? '' : neutral(message);

const line = (path: string, simulated: unknown, real: unknown): string =>
  `${path}: ${JSON.stringify(simulated)} | ${JSON.stringify(real)}`;

/** Of a refused object: which fields, and why; a cause that is listed twice counts once. */
function causesOf({ code, causes }: ErrorAnswer): unknown {
  const told = causes.map(({ reason = '', field = '', message = '' }) =>
    code === 'invalid' ? `${field} ${reason}` : `${field} ${reason} ${neutral(message)}`,
  );
  return [...new Set(told)].toSorted();
}
