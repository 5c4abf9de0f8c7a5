/**
 * Whether nodes are well after their reboot: Node Ready, agent reporting, pods of DaemonSets ready. Since when is
 * memory only: after a restart of the controller the node has to be well for the whole time again.
 */
import type { Node, Pod } from '../../api/core.ts';
import type { HealthView } from '../../protocol/attempt.ts';
import { parseRfc3339 } from '../../runtime/clock.ts';
import type { Clock } from '../../runtime/clock.ts';
import { errorFields } from '../../runtime/errors.ts';
import { isKubernetesError } from '../../runtime/kubernetes.ts';
import type { KubernetesPort } from '../../runtime/kubernetes.ts';
import type { Logger } from '../../runtime/log.ts';
import { keyText } from '../../runtime/store.ts';
import { listPodsOf } from '../drain/evict.ts';

/** What the copies say of a node. */
export interface HealthFacts {
  node: Node | undefined;
  isAgentReporting: boolean;
  /** How long everything has to hold. */
  stableForMs: number;
}

export interface AttemptId {
  shadowUid: string;
  attempt: number;
}

/** A list of the pods of a node, and what it said. */
interface Listed extends DaemonPods {
  atMs: number;
  /** Lists in a row that found a pod that is not ready. */
  misses: number;
}

interface Health {
  attempt: number;
  isBusy: boolean;
  /** Since when the copies show the node well. */
  sinceMs: number | undefined;
  listed: Listed | undefined;
  /** No list before this instant: the last one failed. */
  notBeforeMs: number;
}

export interface HealthChecksOptions {
  port: KubernetesPort;
  clock: Clock;
  logger: Logger;
  /** A list has ended: look again. */
  onChange: () => void;
}

/** While a pod is not ready, the pods are listed again, less and less often. */
const RETRY_MS = [3_000, 5_000, 10_000, 15_000, 30_000];
/** All is well, and something else is waited for. */
const RECHECK_MS = 60_000;

const RETRY_FAILED_MS = 5_000;
const STEADY = 'The node is Ready and has to stay so for a while.';

const isTrue = (object: Node | Pod, type: string): boolean =>
  object.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ??
  false;

export const isNodeReady = (node: Node | undefined): boolean => node !== undefined && isTrue(node, 'Ready');

export const isPodReady = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp === undefined && isTrue(pod, 'Ready');

/** What a list of pods says of those that DaemonSets own. */
export interface DaemonPods {
  /** One that is not ready; undefined when all are. */
  unready?: string;
  /** Since when all are ready, as far as their conditions say. */
  readySinceMs: number;
}

/** Looks at the pods of DaemonSets on a node. @param atMs when they were listed: since then at least they are ready */
export function daemonPods(pods: readonly Pod[], atMs: number): DaemonPods {
  let readySinceMs = Number.NEGATIVE_INFINITY;
  for (const pod of pods) {
    if (pod.metadata.ownerReferences?.some(({ kind }) => kind === 'DaemonSet') !== true) continue;
    if (!isPodReady(pod)) return { unready: keyText(pod.metadata), readySinceMs: Number.POSITIVE_INFINITY };
    const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready');
    // The kubelet's clock may be ahead of ours.
    const sinceMs = Math.min(atMs, parseRfc3339(ready?.lastTransitionTime) ?? atMs);
    readySinceMs = Math.max(readySinceMs, sinceMs);
  }
  return { readySinceMs };
}

export class HealthChecks {
  readonly #options: HealthChecksOptions;
  readonly #checks = new Map<string, Health>();

  constructor(options: HealthChecksOptions) {
    this.#options = options;
  }

  /** Takes in what the copies say now. @returns what the protocol is told. */
  view(id: AttemptId, facts: HealthFacts): HealthView {
    const health = this.#of(id);
    const message = missing(facts);
    if (message !== undefined) {
      health.sinceMs = undefined;
      health.listed = undefined;
      return { message };
    }
    health.sinceMs ??= this.#options.clock.now();
    const { listed, sinceMs } = health;
    if (listed?.unready !== undefined)
      return { message: `Pod ${listed.unready} of a DaemonSet is not ready yet.` };
    const allSinceMs = Math.max(sinceMs, listed?.readySinceMs ?? 0);
    // Only a list from the end of the time says that the pods were ready during it.
    const isConfirmed = listed !== undefined && listed.atMs >= allSinceMs + facts.stableForMs;
    return isConfirmed ? { healthySinceMs: allSinceMs, message: STEADY } : { message: STEADY };
  }

  /** When the pods of a node have to be listed next; undefined when there is no point in it now. */
  listDueMs(id: AttemptId, facts: HealthFacts): number | undefined {
    const { isBusy, sinceMs, listed, notBeforeMs } = this.#of(id);
    if (isBusy || sinceMs === undefined || missing(facts) !== undefined) return undefined;
    return Math.max(notBeforeMs, dueMs(sinceMs, listed, facts.stableForMs));
  }

  /** Forgets attempts that are over. */
  keep(isCurrent: (shadowUid: string, attempt: number) => boolean): void {
    for (const [uid, { attempt }] of this.#checks) if (!isCurrent(uid, attempt)) this.#checks.delete(uid);
  }

  /** Lists the pods of a node. */
  async list(id: AttemptId, node: string): Promise<void> {
    const { port, clock, logger, onChange } = this.#options;
    const health = this.#of(id);
    health.isBusy = true;
    try {
      const atMs = clock.now();
      const found = daemonPods(await listPodsOf(port, node), atMs);
      const misses = found.unready === undefined ? 0 : (health.listed?.misses ?? 0) + 1;
      health.listed = { ...found, atMs, misses };
    } catch (error) {
      if (!isKubernetesError(error)) throw error;
      health.notBeforeMs = clock.now() + RETRY_FAILED_MS;
      logger.info('Pods of a node could not be listed', { node, ...errorFields(error) });
    } finally {
      health.isBusy = false;
      onChange();
    }
  }

  #of({ shadowUid, attempt }: AttemptId): Health {
    const known = this.#checks.get(shadowUid);
    if (known?.attempt === attempt) return known;
    const health: Health = {
      attempt,
      isBusy: false,
      sinceMs: undefined,
      listed: undefined,
      notBeforeMs: 0,
    };
    this.#checks.set(shadowUid, health);
    return health;
  }
}

function missing({ node, isAgentReporting }: HealthFacts): string | undefined {
  if (!isNodeReady(node)) return 'The node is not Ready yet.';
  return isAgentReporting ? undefined : 'The agent of the node is not reporting yet.';
}

function dueMs(sinceMs: number, listed: Listed | undefined, stableForMs: number): number {
  if (listed?.unready !== undefined)
    return listed.atMs + (RETRY_MS[Math.min(listed.misses - 1, RETRY_MS.length - 1)] ?? RECHECK_MS);
  const endMs = Math.max(sinceMs, listed?.readySinceMs ?? 0) + stableForMs;
  return listed !== undefined && listed.atMs >= endMs ? listed.atMs + RECHECK_MS : endMs;
}
