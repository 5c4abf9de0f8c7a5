/** How the answers of the eviction API are read (protocol 6). Each row is also a contract row on the real API. */
import type { Pod, PodDisruptionBudget } from '../../api/core.ts';
import type { ProgressReason } from '../../api/reasons.ts';
import { isKubernetesError } from '../../runtime/kubernetes.ts';
import type { KubernetesError } from '../../runtime/kubernetes.ts';

/** What became of one eviction. */
export type EvictionOutcome =
  | { is: 'evicted' }
  /** No such pod any more, or another of the same name. */
  | { is: 'gone' }
  /** A PodDisruptionBudget allows no disruption now. */
  | { is: 'blocked'; message: string }
  /** Two PodDisruptionBudgets select the pod: refused until one of them goes. */
  | { is: 'twoBudgets'; message: string }
  /** Asked to slow down. */
  | { is: 'throttled'; retryAfterMs: number }
  /** Forbidden or malformed. */
  | { is: 'refused'; message: string }
  /** No answer, or one that says nothing: the next live list tells. */
  | { is: 'unanswered'; message: string };

/** Pause when the server asks to slow down and names no time. */
export const DEFAULT_RETRY_AFTER_MS = 5_000;
const TWO_BUDGETS = 'more than one PodDisruptionBudget';

/**
 * Reads the error an eviction ended with.
 * @throws the error itself when it is no answer of a server to this eviction (such as `fenced`).
 */
export function readEvictionError(error: unknown): EvictionOutcome {
  if (!isKubernetesError(error) || error.code === 'fenced') throw error;
  switch (error.code) {
    case 'throttled':
      return readTooManyRequests(error);
    case 'notFound':
    case 'conflict':
      return { is: 'gone' };
    case 'server':
      return error.message.includes(TWO_BUDGETS)
        ? { is: 'twoBudgets', message: error.message }
        : { is: 'unanswered', message: error.message };
    case 'unknown':
    case 'expired':
      return { is: 'unanswered', message: error.message };
    case 'forbidden':
    case 'unauthorized':
    case 'invalid':
    case 'alreadyExists':
      return { is: 'refused', message: error.message };
  }
}

function readTooManyRequests(error: KubernetesError): EvictionOutcome {
  const cause = error.causes.find(({ reason }) => reason === 'DisruptionBudget');
  return cause === undefined
    ? { is: 'throttled', retryAfterMs: error.retryAfterMs ?? DEFAULT_RETRY_AFTER_MS }
    : { is: 'blocked', message: cause.message ?? error.message };
}

/** A pod that holds the drain, and why, for a person. */
export interface Blocker {
  reason: ProgressReason;
  message: string;
}

const nameOf = ({ metadata }: { metadata: { name: string; namespace?: string } }): string =>
  `${metadata.namespace ?? ''}/${metadata.name}`;

/** Says what keeps a pod. @param budgets the PodDisruptionBudgets that select it, when they could be read. */
export function describeBlocker(
  pod: Pod,
  outcome: EvictionOutcome,
  budgets: readonly PodDisruptionBudget[] = [],
): Blocker | undefined {
  const name = nameOf(pod);
  switch (outcome.is) {
    case 'blocked':
      return { reason: 'PodDisruptionBudget', message: budgetText(name, outcome.message, budgets) };
    case 'twoBudgets': {
      const names = budgets.map(nameOf).join(' and ');
      return {
        reason: 'MultipleDisruptionBudgets',
        message: `Pod ${name} is selected by more than one PodDisruptionBudget${names && ` (${names})`}, which Kubernetes refuses to evict. Leave one of them.`,
      };
    }
    case 'throttled':
      return { reason: 'EvictionThrottled', message: `kube-apiserver asks to evict pod ${name} later.` };
    case 'refused':
      return { reason: 'EvictionRefused', message: `Pod ${name} may not be evicted: ${outcome.message}` };
    case 'unanswered':
      return {
        reason: 'EvictionRefused',
        message: `Evicting pod ${name} was not answered: ${outcome.message}`,
      };
    case 'evicted':
    case 'gone':
      return undefined;
  }
}

function budgetText(pod: string, words: string, budgets: readonly PodDisruptionBudget[]): string {
  const budget = budgets.find(({ status }) => (status?.disruptionsAllowed ?? 0) === 0) ?? budgets[0];
  if (budget === undefined) return `Pod ${pod} is protected by a PodDisruptionBudget: ${words}`;
  const { disruptionsAllowed = 0, currentHealthy, desiredHealthy } = budget.status ?? {};
  const numbers =
    currentHealthy === undefined || desiredHealthy === undefined
      ? ''
      : ` (${currentHealthy} healthy, ${desiredHealthy} needed)`;
  return `Pod ${pod} is protected by PodDisruptionBudget ${nameOf(budget)}, which allows ${disruptionsAllowed} disruptions${numbers}. Add replicas, or relax it.`;
}
