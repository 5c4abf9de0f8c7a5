/** What policies said lately: a process of the operator may act on what it read a while ago. */
import type { UpdatePolicy } from '../../api/v1/updatepolicy.ts';
import { withDefaults } from '../../policy/effective.ts';
import type { EffectivePolicy } from '../../policy/effective.ts';
import { CompiledWindows } from '../../policy/windows.ts';
import type { ChangeOf } from './moment.ts';

/** A policy as it was for a while: same spec, same annotations, being deleted or not. */
export class PolicyVersion {
  readonly object: UpdatePolicy;
  readonly sinceMs: number;
  /** Virtual milliseconds; undefined while it is so. */
  replacedAtMs: number | undefined;
  #effective: EffectivePolicy | undefined;
  #windows: CompiledWindows | undefined;

  constructor(object: UpdatePolicy, sinceMs: number) {
    this.object = object;
    this.sinceMs = sinceMs;
  }

  get effective(): EffectivePolicy {
    this.#effective ??= withDefaults(this.object.spec);
    return this.#effective;
  }

  get windows(): CompiledWindows {
    this.#windows ??= new CompiledWindows(this.effective);
    return this.#windows;
  }

  /** Whether another state of the same policy says the same. */
  says({ metadata, spec }: UpdatePolicy): boolean {
    const own = this.object.metadata;
    return (
      own.generation === metadata.generation &&
      own.deletionTimestamp === metadata.deletionTimestamp &&
      JSON.stringify(own.annotations) === JSON.stringify(metadata.annotations) &&
      (own.generation !== undefined || JSON.stringify(this.object.spec) === JSON.stringify(spec))
    );
  }
}

/** See the head of this file. */
export class PolicyHistory {
  readonly #versions = new Map<string, PolicyVersion[]>();

  note({ before, after }: ChangeOf<UpdatePolicy>, atMs: number): void {
    const uid = (after ?? before)?.metadata.uid ?? '';
    const versions = this.#versions.get(uid) ?? [];
    const last = versions.at(-1);
    if (after !== undefined && last?.replacedAtMs === undefined && last?.says(after) === true) return;
    if (last !== undefined) last.replacedAtMs ??= atMs;
    if (after !== undefined) versions.push(new PolicyVersion(after, atMs));
    this.#versions.set(uid, versions);
  }

  /** What a policy said at any time from then on, the newest first. */
  since(uid: string, atMs: number): PolicyVersion[] {
    const versions = this.#versions.get(uid) ?? [];
    return versions
      .filter(({ replacedAtMs }) => replacedAtMs === undefined || replacedAtMs >= atMs)
      .toReversed();
  }
}
