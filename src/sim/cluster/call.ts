/** One request of a client, what may go wrong with it, and who may make it. */
import type { PolicyRule } from '../../api/rbac.ts';
import type { Key, KubernetesError, Resource } from '../../runtime/kubernetes.ts';

export type CallVerb = 'get' | 'list' | 'watch' | 'create' | 'patch' | 'delete';

export interface Call {
  /** Name of the client. */
  readonly client: string;
  /** Number of this call among those of its client, from 1. */
  readonly sequence: number;
  /** As in RBAC: an eviction is `create` of `pods` with subresource `eviction`, a review `create` of `tokenreviews`. */
  readonly verb: CallVerb;
  readonly resource: Pick<Resource, 'group' | 'plural'>;
  readonly subresource?: 'status' | 'eviction';
  /** Without a name for lists, watches and reviews. */
  readonly key: Partial<Key>;
  /** Of create and patch. */
  readonly body?: object;
}

/** True when the call may change something. */
export const isWrite = ({ verb, resource }: Call): boolean =>
  ['create', 'patch', 'delete'].includes(verb) && resource.plural !== 'tokenreviews';

/** What goes wrong with a call; all parts may be combined. */
export interface Fault {
  /** The request is so much longer under way. The caller may have given up by the time it is carried out. */
  requestDelayMs?: number;
  /** The answer is. */
  responseDelayMs?: number;
  /** The server answers this and does nothing. */
  error?: KubernetesError;
  /** The connection breaks before the request has arrived. */
  loseRequest?: boolean;
  /** The connection breaks after the request was carried out. */
  loseResponse?: boolean;
  /** A watch breaks so long after it was opened, with `cutError` or quietly. */
  cutAfterMs?: number;
  cutError?: KubernetesError;
  /** A watch delivers nothing more from so long after it was opened, and does not end: a dead connection. */
  stallAfterMs?: number;
}

/** Both ways of a connection, as its client sees it; undefined = nothing holds what is sent now. */
export interface Route {
  /** Resolves when what is sent now has arrived. @throws Error when the connection has broken over it */
  there(): Promise<void> | undefined;
  /** The same of what the server sends now. */
  back(): Promise<void> | undefined;
}

/** How long a call takes that nothing is wrong with. */
export interface Latency {
  requestMs: number;
  responseMs: number;
}

/** Who may do what. */
export type Access = (call: Call) => boolean;

/**
 * Access by the rules that generate the roles.
 * @param own the namespace in which `namespaced` hold
 */
export function accessByRules(
  rules: readonly PolicyRule[],
  namespaced: readonly PolicyRule[] = [],
  own = '',
): Access {
  return (call) =>
    rules.some((rule) => covers(rule, call)) ||
    (call.key.namespace === own && own !== '' && namespaced.some((rule) => covers(rule, call)));
}

function covers(rule: PolicyRule, { verb, resource, subresource, key }: Call): boolean {
  const name = subresource === undefined ? resource.plural : `${resource.plural}/${subresource}`;
  return (
    rule.verbs.includes(verb) &&
    rule.apiGroups.includes(resource.group) &&
    rule.resources.includes(name) &&
    (rule.resourceNames === undefined || (key.name !== undefined && rule.resourceNames.includes(key.name)))
  );
}
