/**
 * A call of the Kubernetes port as plain data, the same for both clusters. What differs between them is named, not
 * spelled: texts that begin with "$" stand for a version, a UID or a page that this very cluster has shown before.
 */
import {
  ConfigMaps,
  Events,
  Leases,
  Namespaces,
  Nodes,
  PodDisruptionBudgets,
  Pods,
  Secrets,
  ServiceAccounts,
} from '../../src/api/core.ts';
import { UpdatePolicies } from '../../src/api/v1/updatepolicy.ts';
import { BottlerocketShadows } from '../../src/api/v2/bottlerocketshadow.ts';
import type { Resource } from '../../src/runtime/kubernetes.ts';

export const KINDS = {
  configmaps: ConfigMaps,
  secrets: Secrets,
  serviceaccounts: ServiceAccounts,
  leases: Leases,
  events: Events,
  namespaces: Namespaces,
  nodes: Nodes,
  pods: Pods,
  budgets: PodDisruptionBudgets,
  policies: UpdatePolicies,
  shadows: BottlerocketShadows,
} as const satisfies Record<string, Resource>;
export type KindName = keyof typeof KINDS;

export const resourceOf = (kind: KindName): Resource => KINDS[kind];

/** Of the versions of an object that were seen: the newest, the first; or a text as it is. */
export type Version = '$latest' | '$first' | (string & {}) | null;

/** One object of a story. */
export interface Target {
  kind: KindName;
  /** Without the prefix that objects without a namespace get. */
  name: string;
}

interface Selects {
  labelSelector?: string;
  fieldSelector?: string;
}

export type Call =
  | { verb: 'create'; on: Target; body: object; dryRun?: boolean; generated?: boolean }
  | { verb: 'get'; on: Target }
  | { verb: 'list'; kind: KindName; select: Selects; limit?: number; version?: string }
  /** Goes on with the last list of the kind that had more. */
  | { verb: 'page'; kind: KindName; select: Selects; limit?: number }
  | { verb: 'patch'; on: Target; body: object; version?: Version; status?: boolean; dryRun?: boolean }
  | {
      verb: 'delete';
      on: Target;
      uid?: string;
      version?: string;
      graceSeconds?: number;
      propagation?: 'Background' | 'Foreground' | 'Orphan';
    }
  | { verb: 'evict'; name: string; uid: string; graceSeconds?: number; dryRun?: boolean }
  | {
      verb: 'watch';
      id: string;
      kind: KindName;
      select: Selects;
      from: '$list' | '$resume' | '0' | (string & {});
    }
  /** Looks at what the watch has shown so far. */
  | { verb: 'look'; id: string }
  | { verb: 'review'; token: string }
  /** Waits for the controllers, then looks at everything. Without controllers: looks. */
  | { verb: 'settle' };

/** A call in one line. */
export const told = (call: Call): string => JSON.stringify(call);
