/** Reads the copies and the memory of what is under way, and makes a snapshot of them. */
import type { Node } from '../../api/core.ts';
import { APISERVER_SERVICE_ACCOUNT, shadowName } from '../../api/names.ts';
import type { LedgerEntry } from '../../api/v1/updatepolicy.ts';
import type { BottlerocketShadow } from '../../api/v2/bottlerocketshadow.ts';
import { adopt, missingEntries } from '../../protocol/ledger.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { KubernetesPort } from '../../runtime/kubernetes.ts';
import { hasPlaceFor } from '../drain/classify.ts';
import type { Caches } from '../kube/caches.ts';
import type { RolloutWriters } from './apply.ts';
import { PolicyCompiler } from './compile.ts';
import type { Drains } from './drains.ts';
import type { HealthChecks } from './health.ts';
import { isPodReady } from './health.ts';
import { NodeTable } from './nodetable.ts';
import type { Lookup, Lookups } from './lookups.ts';
import type { NodePods } from './nodepods.ts';
import { Sight } from './sight.ts';
import type { AttemptFacts, NodeFacts, PolicyFacts, Snapshot } from './snapshot.ts';

export interface GatherOptions {
  port: Pick<KubernetesPort, 'clockSkewMs'>;
  caches: Caches;
  writers: RolloutWriters;
  clock: Clock;
  drains: Drains;
  health: HealthChecks;
  nodePods: NodePods;
  lookups: Lookups;
  /** Agents can report only while an API server is Ready; false where API servers have no pods. */
  needsApiserverPods: boolean;
}

/** A clock further off than this starts nothing. */
export const MAX_SKEW_MS = 30_000;

export class Gatherer {
  readonly #options: GatherOptions;
  readonly #compiler = new PolicyCompiler();
  readonly #sight: Sight;
  #blindSinceMs: number;
  readonly #table: NodeTable;
  readonly #written = new Map<string, number>();

  constructor(options: GatherOptions) {
    this.#options = options;
    this.#sight = new Sight(options.clock);
    this.#blindSinceMs = options.clock.now();
    this.#table = new NodeTable(options.caches);
  }

  /** Follows the copies. @returns ends it. */
  follow(): () => void {
    return this.#table.follow();
  }

  /** Notes that a policy was written. */
  noteWritten(policyUid: string): void {
    this.#written.set(policyUid, this.#options.clock.now());
  }

  /** Makes a snapshot of everything. */
  gather(): Snapshot {
    const { clock, port, caches, nodePods } = this.#options;
    const now = clock.now();
    const isClockWrong = Math.abs(port.clockSkewMs() ?? 0) > MAX_SKEW_MS;
    const sightSinceMs = this.#look(now, isClockWrong);
    const policies = this.#policies();
    const nodes = this.#table.rows(policies.map(({ compiled }) => compiled));
    const isHeld = this.#held();
    const { attempts, orphans, ledger } = this.#attempts(policies, nodes, now);
    return {
      now,
      sightSinceMs,
      blindSinceMs: this.#blindSinceMs,
      isClockWrong,
      nodes,
      isFresh: (node) => !isHeld(node),
      policies,
      attempts,
      orphans,
      ledger,
      nodeOfShadow: (shadowUid) => this.#table.ofShadow(shadowUid),
      podsOf: (node) => nodePods.get(node),
      lastPodsOf: (node) => nodePods.last(node),
      podsDueMs: (node) => nodePods.dueMs(node),
      hasPlaceFor: (pod, from) => hasPlaceFor(pod, caches.nodes.store.list(), from),
      policyWritten: (policyUid) => this.#written.get(policyUid),
    };
  }

  #look(now: number, isClockWrong: boolean): number | undefined {
    const { caches, needsApiserverPods } = this.#options;
    const isApiserverReady =
      !needsApiserverPods ||
      caches.pods.store.byIndex('serviceAccount', APISERVER_SERVICE_ACCOUNT).some(isPodReady);
    const sinceMs = this.#sight.look({
      inStepMonotonicMs: caches.inStepMonotonicMs,
      isApiserverReady,
      isClockWrong,
    });
    if (sinceMs !== undefined) this.#blindSinceMs = now;
    return sinceMs;
  }

  #policies(): PolicyFacts[] {
    const { caches, writers } = this.#options;
    const policies = caches.policies.store.list().map((source) => ({
      compiled: this.#compiler.compile(source),
      isFresh: writers.policies.ready(source.metadata.name),
    }));
    this.#compiler.keep(new Set(policies.map(({ compiled }) => compiled.uid)));
    return policies;
  }

  /** Names of nodes of which something was written that is not seen yet. */
  #held(): (node: string) => boolean {
    const { nodes, shadows } = this.#options.writers;
    const heldNodes = nodes.holding;
    const heldShadows = shadows.holding;
    if (heldNodes.size + heldShadows.size === 0) return () => false;
    const { namespace } = this.#options.caches;
    return (node) => heldNodes.has(node) || heldShadows.has(`${namespace}/${shadowName(node)}`);
  }

  #attempts(
    policies: readonly PolicyFacts[],
    byName: ReadonlyMap<string, NodeFacts>,
    now: number,
  ): Pick<Snapshot, 'attempts' | 'orphans' | 'ledger'> {
    const inFlight = groupByPolicy(this.#options.caches.shadows.store.list());
    const attempts = new Map<string, AttemptFacts[]>();
    const ledger = new Map<string, { policyUid: string; policyName: string }>();
    for (const { compiled } of policies) {
      const entries = compiled.source.status?.updating ?? [];
      const { uid, name } = compiled;
      const missing = missingEntries({ uid, entries }, inFlight.get(uid) ?? [], now);
      for (const { shadowUid } of [...entries, ...missing])
        ledger.set(shadowUid, { policyUid: uid, policyName: name });
      const { stableForMs } = compiled.effective.health;
      const factsOf = (entry: LedgerEntry, isInLedger: boolean): AttemptFacts =>
        this.#attempt(entry, { isInLedger, facts: byName.get(entry.node), stableForMs });
      attempts.set(uid, [
        ...entries.map((entry) => factsOf(entry, true)),
        ...missing.map((entry) => factsOf(entry, false)),
      ]);
      inFlight.delete(uid);
    }
    const orphans = [...inFlight.values()].flat().map((shadow) => {
      const entry = adopt(shadow, now);
      return this.#attempt(entry, { isInLedger: false, facts: byName.get(entry.node), stableForMs: 0 });
    });
    this.#forget(attempts, orphans);
    return { attempts, orphans, ledger };
  }

  /** Memory of attempts that are over goes. */
  #forget(attempts: ReadonlyMap<string, readonly AttemptFacts[]>, orphans: readonly AttemptFacts[]): void {
    const { drains, health, lookups, nodePods, caches } = this.#options;
    const current = new Map<string, number>();
    const uids = new Set<string>();
    for (const { entry } of [...[...attempts.values()].flat(), ...orphans]) {
      current.set(entry.shadowUid, entry.attempt);
      uids.add(entry.uid);
    }
    const isCurrent = (shadowUid: string, attempt: number): boolean => current.get(shadowUid) === attempt;
    drains.keep(isCurrent);
    health.keep(isCurrent);
    lookups.keep((uid) => uids.has(uid) || current.has(uid));
    nodePods.keep((node) => caches.nodes.store.get(node) !== undefined);
  }

  #attempt(
    entry: LedgerEntry,
    about: { isInLedger: boolean; facts: NodeFacts | undefined; stableForMs: number },
  ): AttemptFacts {
    const { isInLedger, facts, stableForMs } = about;
    const { caches, writers, drains, health, lookups } = this.#options;
    const key = { namespace: caches.namespace, name: shadowName(entry.node) };
    const node = ofUid(caches.nodes.store.get(entry.node), entry.uid);
    const shadow = ofUid(caches.shadows.store.get(key), entry.shadowUid);
    const wanted: Lookup[] = [
      { kind: 'node', key: { name: entry.node }, uid: entry.uid },
      { kind: 'shadow', key, uid: entry.shadowUid },
    ];
    const id = { shadowUid: entry.shadowUid, attempt: entry.attempt };
    const seen = { node, isAgentReporting: facts?.isAgentReporting ?? false, stableForMs };
    const isVerifying = shadow?.spec.state === 'MonitoringUpdate';
    return {
      entry,
      isInLedger,
      shadow,
      node,
      facts: node === undefined ? undefined : facts,
      isFresh: writers.nodes.ready(entry.node) && writers.shadows.ready(key),
      lookups: wanted.filter(
        ({ kind, uid }) => (kind === 'node' ? node : shadow) === undefined && !lookups.isGone(uid),
      ),
      drain: drains.view(entry.shadowUid, entry.attempt),
      drainNextAtMs: drains.nextAtMs(entry.shadowUid, entry.attempt),
      health: isVerifying ? health.view(id, seen) : { message: 'The node is not being verified.' },
      verifyAtMs: isVerifying ? health.listDueMs(id, seen) : undefined,
    };
  }
}

const ofUid = <T extends Node | BottlerocketShadow>(object: T | undefined, uid: string): T | undefined =>
  object?.metadata.uid === uid ? object : undefined;

/** Shadows that are not Idle, by the policy they name. Those that name none are Brupop's, and no business of a policy. */
function groupByPolicy(shadows: readonly BottlerocketShadow[]): Map<string, BottlerocketShadow[]> {
  const groups = new Map<string, BottlerocketShadow[]>();
  for (const shadow of shadows) {
    const uid = shadow.spec.policy?.uid;
    if (shadow.spec.state === 'Idle' || uid === undefined) continue;
    const group = groups.get(uid);
    if (group === undefined) groups.set(uid, [shadow]);
    else group.push(shadow);
  }
  return groups;
}
