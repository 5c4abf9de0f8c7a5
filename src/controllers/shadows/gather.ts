/** Reads what is known of one node from the copies. */
import { AGENT_SERVICE_ACCOUNT, shadowName } from '../../api/names.ts';
import type { Caches } from '../kube/caches.ts';
import type { NodeSnapshot } from './plan.ts';

export interface GatherOptions {
  caches: Caches;
  autoLabel: boolean;
  now: number;
}

/** UIDs of the shadows that some ledger has an entry for. */
export function ledgerUids(caches: Caches): Set<string> {
  const uids = new Set<string>();
  for (const { status } of caches.policies.store.list())
    for (const { shadowUid } of status?.updating ?? []) uids.add(shadowUid);
  return uids;
}

/** What is known of the node `name`. */
export function gatherNode(
  name: string,
  { caches, autoLabel, now }: GatherOptions,
  inLedger: ReadonlySet<string>,
): NodeSnapshot {
  const shadow = caches.shadows.store.get({ namespace: caches.namespace, name: shadowName(name) });
  return {
    name,
    now,
    node: caches.nodes.store.get(name),
    shadow,
    agentPods: caches.pods.store
      .byIndex('node', name)
      .filter(({ spec }) => spec?.serviceAccountName === AGENT_SERVICE_ACCOUNT),
    isInLedger: inLedger.has(shadow?.metadata.uid ?? ''),
    autoLabel,
    namespace: caches.namespace,
  };
}
