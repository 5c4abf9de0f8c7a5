/** The windows as they are for one node: `run-now` sets them aside until its instant. */
import type { CompiledWindows, WindowVerdict } from './windows.ts';

export type NodeWindow = Pick<WindowVerdict, 'open' | 'blackout' | 'closesAt' | 'blackoutAt' | 'zone'>;

/**
 * The windows for a node that may run outside them until an instant: open until then or until the next blackout, which
 * wins over everybody's wishes, and from there on as the windows say. Without the instant, or after it, the verdict of
 * the windows.
 */
export function nodeWindow(
  windows: CompiledWindows,
  { now, runNowUntilMs }: { now: number; runNowUntilMs: number | undefined },
): NodeWindow {
  const verdict = windows.at(now);
  if (runNowUntilMs === undefined || runNowUntilMs <= now || verdict.blackout) return verdict;
  const { blackoutAt } = verdict;
  const then = windows.at(runNowUntilMs);
  const closesAt = then.open ? then.closesAt : runNowUntilMs;
  const isCutShort = blackoutAt !== undefined && (closesAt === undefined || blackoutAt < closesAt);
  return {
    open: true,
    blackout: false,
    closesAt: isCutShort ? blackoutAt : closesAt,
    blackoutAt,
    zone: then.zone,
  };
}

/**
 * The instant from which no reboot intent is accepted, for `spec.notAfter`: the close or the next blackout, or with
 * onClose Finish the next blackout alone. Undefined = no such instant.
 */
export const notAfter = (window: NodeWindow, onClose: 'Finish' | 'StopBeforeReboot'): number | undefined =>
  onClose === 'Finish' ? window.blackoutAt : window.closesAt;
