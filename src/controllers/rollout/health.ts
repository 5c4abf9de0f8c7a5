/**
 * Whether nodes are well after their reboot: Node Ready, agent reporting, pods of DaemonSets ready. Since when is
 * memory only: after a restart of the controller the node has to be well for the whole time again.
 */
import type { Node, Pod } from '../../api/core.ts';
import type { HealthView } from '../../protocol/attempt.ts';
import type { Clock } from '../../runtime/clock.ts';
import { errorFields } from '../../runtime/errors.ts';
import { isKubernetesError } from '../../runtime/kubernetes.ts';
import type { KubernetesPort } from '../../runtime/kubernetes.ts';
import type { Logger } from '../../runtime/log.ts';
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

interface Health {
  attempt: number;
  isBusy: boolean;
  /** Since when everything holds. */
  sinceMs: number | undefined;
  /** What the last list of pods said is missing; undefined = nothing. */
  missing: string | undefined;
  listedAtMs: number | undefined;
  /** Lists in a row that found something missing. */
  lists: number;
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

/** While everything holds, pods are listed again after so long. */
const RECHECK_MS = 60_000;
/** While something is missing: sooner, but less and less often. */
const RETRY_MS = [3_000, 5_000, 10_000, 15_000, 30_000];

const RETRY_FAILED_MS = 5_000;
const STEADY = 'The node is Ready and has to stay so for a while.';

const isTrue = (object: Node | Pod, type: string): boolean =>
  object.status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ??
  false;

export const isNodeReady = (node: Node | undefined): boolean => node !== undefined && isTrue(node, 'Ready');

export const isPodReady = (pod: Pod): boolean =>
  pod.metadata.deletionTimestamp === undefined && isTrue(pod, 'Ready');

/** Names a pod of a DaemonSet that is not ready; undefined when all are. */
export function unreadyDaemonPod(pods: readonly Pod[]): string | undefined {
  const found = pods.find(
    (pod) =>
      pod.metadata.ownerReferences?.some(({ kind }) => kind === 'DaemonSet') === true && !isPodReady(pod),
  );
  return found === undefined ? undefined : `${found.metadata.namespace ?? ''}/${found.metadata.name}`;
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
    const now = this.#options.clock.now();
    const message = missing(facts) ?? podsMissing(health);
    if (message !== undefined) {
      health.sinceMs = undefined;
      return { message };
    }
    health.sinceMs ??= now;
    const isOver = now >= health.sinceMs + facts.stableForMs;
    // Pods are seen ready at the end of the time too, not only at its start.
    if (isOver && !isConfirmed(health, facts.stableForMs)) return { message: STEADY };
    return { healthySinceMs: health.sinceMs, message: STEADY };
  }

  /** When the pods of a node have to be listed next; undefined when there is no point in it now. */
  listDueMs(id: AttemptId, facts: HealthFacts): number | undefined {
    const health = this.#of(id);
    if (health.isBusy || missing(facts) !== undefined) return undefined;
    return Math.max(health.notBeforeMs, dueMs(health, facts.stableForMs));
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
      const listedAtMs = clock.now();
      health.missing = unreadyDaemonPod(await listPodsOf(port, node));
      health.listedAtMs = listedAtMs;
      health.lists = health.missing === undefined ? 0 : health.lists + 1;
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
      missing: undefined,
      listedAtMs: undefined,
      lists: 0,
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

const podsMissing = ({ listedAtMs, missing: pod }: Health): string | undefined => {
  if (listedAtMs === undefined) return 'The pods of DaemonSets have not been looked at yet.';
  return pod === undefined ? undefined : `Pod ${pod} of a DaemonSet is not ready yet.`;
};

function dueMs({ listedAtMs, missing: gap, lists, sinceMs }: Health, stableForMs: number): number {
  if (listedAtMs === undefined) return 0;
  if (gap !== undefined)
    return listedAtMs + (RETRY_MS[Math.min(lists - 1, RETRY_MS.length - 1)] ?? RECHECK_MS);
  const next = listedAtMs + RECHECK_MS;
  if (sinceMs === undefined) return next;
  const endMs = sinceMs + stableForMs;
  return listedAtMs >= endMs ? next : Math.min(next, endMs);
}

const isConfirmed = ({ sinceMs, listedAtMs }: Health, stableForMs: number): boolean =>
  sinceMs !== undefined && listedAtMs !== undefined && listedAtMs >= sinceMs + stableForMs;
