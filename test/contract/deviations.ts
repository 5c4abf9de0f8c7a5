/**
 * Where the simulated cluster knowingly differs from a real API server. Everything else that this operator relies on
 * is in the suites beside this file, which run against both.
 *
 * - Messages of 422 answers name the field and the kind of problem, not the regular expressions; a cause that
 *   the real server lists twice is listed once.
 * - Objects carry no managedFields and no selfLink; built-in kinds get only the defaults that somebody here
 *   reads (of pods: grace period, restart policy, phase).
 * - There is no ServiceAccount admission: a pod may name an account that does not exist, and namespaces get
 *   none by themselves.
 * - Schemas of built-in kinds are not checked beyond metadata, Lease and Event times, node taints and what a
 *   pod update may change; CRD schemas are plugged in (`SimCluster.install`).
 * - A CRD is served from the moment of `install`; creating the object of a CRD through the port serves nothing.
 * - A bookmark carries the revision of the whole cluster; the real one may carry that of an earlier event, and
 *   sends none on a watch that has seen nothing.
 * - A list with resourceVersion "0" is as fresh as any other; the real one may be stale.
 * - Watches and continued lists forget the past after 5 minutes, or by `SimCluster.compact()`; the real watch
 *   cache also by its size.
 * - Events do not expire after an hour.
 * - Priority and fairness, audit, webhooks and quotas are not there; 429 and 5xx come from faults
 *   (`SimClient.faults`).
 * - Deletion of a pod with grace period 0 is one event (DELETED); the real server may send a MODIFIED before
 *   it.
 */

/** Rows that are not provoked on the real server, and why. */
export const SIM_ONLY = {
  expiredContinue: 'needs a compaction of etcd, which the API server asks for every 5 minutes',
  expiredToken: 'tokens live for 10 minutes at least',
  disruptedPodGivenUp: 'takes 2 minutes',
} as const;
