/** Policies as of their present generation, and which of them wins a node: both remembered from pass to pass. */
import type { Node } from '../../api/core.ts';
import type { UpdatePolicy } from '../../api/v1/updatepolicy.ts';
import { withDefaults } from '../../policy/effective.ts';
import type { EffectivePolicy } from '../../policy/effective.ts';
import type { FieldError } from '../../policy/errors.ts';
import { policySelector } from '../../policy/select.ts';
import type { SelectingPolicy, Selection } from '../../policy/select.ts';
import { compileSelector } from '../../policy/selector.ts';
import type { Selector } from '../../policy/selector.ts';
import { specErrors } from '../../policy/validate.ts';
import { VersionRules } from '../../policy/versions.ts';
import { CompiledWindows } from '../../policy/windows.ts';

/** A policy with what was derived from its spec. */
export interface CompiledPolicy extends SelectingPolicy {
  readonly source: UpdatePolicy;
  readonly uid: string;
  readonly effective: EffectivePolicy;
  readonly deleting: boolean;
  /** What is wrong with the spec; annotations are not looked at. */
  readonly errors: readonly FieldError[];
  /** Undefined when the spec has an error. */
  readonly windows: CompiledWindows | undefined;
  readonly versions: VersionRules | undefined;
  /** Pods that keep a node from starting; undefined = none do. */
  readonly waitForPods: Selector | undefined;
  /** Pods that a drain leaves running; undefined = none beyond the usual. */
  readonly ignorePods: Selector | undefined;
}

/** Reads a policy. Total: what is wrong is in `errors`. */
export function compilePolicy(source: UpdatePolicy): CompiledPolicy {
  const { metadata, spec } = source;
  const effective = withDefaults(spec);
  const errors = specErrors(spec);
  const isReadable = errors.length === 0;
  const { waitForPods, ignorePods } = effective.drain;
  return {
    source,
    name: metadata.name,
    uid: metadata.uid ?? '',
    priority: effective.priority,
    effective,
    deleting: metadata.deletionTimestamp !== undefined,
    errors,
    selects: compileSelector(effective.nodeSelector),
    windows: isReadable ? new CompiledWindows(effective) : undefined,
    versions: isReadable ? new VersionRules(effective.version) : undefined,
    waitForPods: waitForPods === null ? undefined : compileSelector(waitForPods),
    ignorePods: ignorePods === null ? undefined : compileSelector(ignorePods),
  };
}

export class PolicyCompiler {
  readonly #compiled = new Map<string, CompiledPolicy>();

  /** The policy; what was derived from its spec is kept until its generation changes. */
  compile(source: UpdatePolicy): CompiledPolicy {
    const { uid = '', generation } = source.metadata;
    const known = this.#compiled.get(uid);
    if (known?.source === source) return known;
    const isSameSpec = known !== undefined && known.source.metadata.generation === generation;
    const compiled = isSameSpec
      ? { ...known, source, deleting: source.metadata.deletionTimestamp !== undefined }
      : compilePolicy(source);
    this.#compiled.set(uid, compiled);
    return compiled;
  }

  /** Forgets policies that are gone. */
  keep(uids: ReadonlySet<string>): void {
    for (const uid of this.#compiled.keys()) if (!uids.has(uid)) this.#compiled.delete(uid);
  }
}

/** Which policy wins a node, for one set of policies. */
export class Selections {
  #key: string | undefined;
  #select: ReturnType<typeof policySelector<CompiledPolicy>> = () => ({ kind: 'none' });

  /** Takes the policies of a pass. @returns whether any answer may differ from before. */
  use(policies: readonly CompiledPolicy[]): boolean {
    const key = policies.map(({ uid, source }) => `${uid}:${source.metadata.generation ?? 0}`).join(',');
    if (key === this.#key) return false;
    this.#key = key;
    this.#select = policySelector(policies);
    return true;
  }

  /** The policy that wins a node; of it only what derives from its spec is up to date. */
  of(node: Node): Selection<CompiledPolicy> {
    return this.#select(node.metadata.labels);
  }
}
