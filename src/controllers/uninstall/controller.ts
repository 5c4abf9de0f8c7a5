/** Watches for the operator being uninstalled. Every replica does, leader or not. */
import type { Clock } from '../../runtime/clock.ts';
import type { KubernetesPort } from '../../runtime/kubernetes.ts';
import { sleepUnlessAborted, TimeoutError, withTimeout } from '../../runtime/timers.ts';
import { isUninstalling } from './detect.ts';

export interface UninstallWatchOptions {
  port: Pick<KubernetesPort, 'get'>;
  clock: Clock;
  namespace: string;
  /** @default 5000 */
  intervalMs?: number;
}

/** A process that is told to end does not wait longer for the last answer. */
const LAST_LIMIT_MS = 3_000;

/**
 * Asks every few seconds until the operator is being uninstalled or the signal aborts. After an abort it asks once
 * more: the deletion of the namespace is what ends this process.
 * @returns whether the operator is being uninstalled.
 */
export async function whenUninstalling(
  options: UninstallWatchOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { port, clock, namespace, intervalMs = 5_000 } = options;
  while (await sleepUnlessAborted(clock, intervalMs, signal)) {
    if (await isUninstalling(port, namespace)) return true;
  }
  try {
    return await withTimeout({ clock, limitMs: LAST_LIMIT_MS }, () => isUninstalling(port, namespace));
  } catch (error) {
    if (error instanceof TimeoutError) return false;
    throw error;
  }
}
