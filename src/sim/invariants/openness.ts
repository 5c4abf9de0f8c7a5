/** When something could happen to a node, by any of the policies, clocks and annotations that its doer may have gone by. */
import type { Node } from '../../api/core.ts';
import { RUN_NOW_ANNOTATION } from '../../api/names.ts';
import { parseRfc3339 } from '../../runtime/clock.ts';
import type { Setting } from './moment.ts';
import type { PolicyVersion } from './policyhistory.ts';

/** What an administrator said lately of running a node outside the windows: until when, by the wall clock. */
function runNowUntil(setting: Setting, node: Node | undefined): number {
  const key = `annotation/${RUN_NOW_ANNOTATION}`;
  const said = setting.nodes.get(node?.metadata.uid)?.since(key, setting.atMs - setting.lagMs) ?? [];
  const instants = said.map((value) => parseRfc3339(typeof value === 'string' ? value : undefined) ?? 0);
  return Math.max(0, ...instants);
}

/** Whether it was open for the node at some instant between `slackMs` ago and as far ahead as clocks may be wrong. */
export function wasOpen(
  setting: Setting,
  {
    versions,
    node,
    slackMs = 0,
  }: { versions: readonly PolicyVersion[]; node: Node | undefined; slackMs?: number },
): boolean {
  const { now, toleranceMs } = setting;
  const from = now - toleranceMs - slackMs;
  const until = now + toleranceMs + 1;
  const isForced = from < runNowUntil(setting, node);
  return versions.some(({ windows, effective }) => {
    if (windows.availability(from, until).length > 0) return true;
    // With onClose Finish a node goes on after the close, but not into a blackout.
    const mayBeClosed = isForced || effective.onClose === 'Finish';
    return mayBeClosed && [from, now, until - 1].some((instant) => !windows.at(instant).blackout);
  });
}

/** How long it stays open for the node, by the most generous of what was said; 0 while closed. */
export function remainingMs(
  setting: Setting,
  versions: readonly PolicyVersion[],
  node: Node | undefined,
): number {
  const { now } = setting;
  const forcedUntil = runNowUntil(setting, node);
  const remaining = versions.map(({ windows }) => {
    const { blackout, blackoutAt } = windows.at(now);
    const byWindow = windows.remaining(now);
    if (forcedUntil <= now || blackout) return byWindow;
    const open = windows.at(forcedUntil).open ? forcedUntil + windows.remaining(forcedUntil) : forcedUntil;
    return Math.max(byWindow, Math.min(open, blackoutAt ?? Number.POSITIVE_INFINITY) - now);
  });
  return Math.max(0, ...remaining);
}
