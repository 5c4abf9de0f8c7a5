/**
 * What others than the operator last wanted of an object, key by key: an administrator's cordon, an autoscaler's taint, a
 * label. Whatever the operator does, it has to be so in the end (invariant 5). A want is recorded when its write has taken
 * effect.
 */

/** `cordon`, `label/NAME`, `annotation/NAME`, `taint/KEY:EFFECT`; for a policy and a budget `spec`. */
export type WantKey = 'cordon' | 'spec' | `label/${string}` | `annotation/${string}` | `taint/${string}`;

/** See the head of this file. */
export interface Want {
  /** Who, such as `admin` or `kured`. */
  actor: string;
  kind: 'Node' | 'UpdatePolicy' | 'PodDisruptionBudget';
  name: string;
  /** Of the object that was written: what is made anew under the name is another. */
  uid: string;
  key: WantKey;
  /** True and false for a cordon and a taint, text for the rest; null = that it is not there. */
  value: boolean | string | null;
  /** What was there when they wrote. Equal to `value`: the write has changed nothing, so nobody can tell it later. */
  found: boolean | string | null;
  /** Virtual milliseconds since the start. */
  atMs: number;
}

/** The last want for every key of every object. */
export class Wants {
  readonly #last = new Map<string, Want>();

  record(want: Want): void {
    this.#last.set(`${want.kind}/${want.uid}/${want.key}`, want);
  }

  /** What was last wanted of a key; undefined = nobody ever said. */
  of(uid: string, key: WantKey, kind: Want['kind'] = 'Node'): Want | undefined {
    return this.#last.get(`${kind}/${uid}/${key}`);
  }

  /** All of them, oldest key first. */
  all(): Want[] {
    return [...this.#last.values()];
  }
}
