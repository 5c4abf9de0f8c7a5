/**
 * The shape in which code declares what it needs from Kubernetes. Each process has a file `rbac.ts` beside its
 * code that exports `rules: PolicyRule[]` (and `namespaceRules` for what it needs in its own namespace alone);
 * config/rbac is generated from them, so that a role says exactly what the code does.
 */

export type Verb =
  | 'get'
  | 'list'
  | 'watch'
  | 'create'
  | 'update'
  | 'patch'
  | 'delete'
  | 'deletecollection'
  | 'bind'
  | 'escalate';

/** One rule of a Role or ClusterRole, as in rbac.authorization.k8s.io/v1, and why it is there. */
export interface PolicyRule {
  /** API groups; '' is the core group. */
  readonly apiGroups: readonly string[];
  /** Resources, subresources as in `pods/eviction`. */
  readonly resources: readonly string[];
  readonly verbs: readonly Verb[];
  /** Restricts the rule to these names; not possible for create, list and watch by collection. */
  readonly resourceNames?: readonly string[];
  /** One line that says what the code does with it; written into the generated role as a comment. */
  readonly why: string;
}
