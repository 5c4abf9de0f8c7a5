/** The invariants of design 10, as far as the model has what they speak of. */
import { Violation } from './rules.ts';
import type { Scenario } from './rules.ts';
import type { World } from './world.ts';

/** Checked in every state. */
export function checkState(w: World, scenario: Scenario): void {
  const used = w.entries.filter((e) => e.phase !== 'Lost').length;
  if (used > scenario.limit) throw new Violation(1, `${used} slots taken of ${scenario.limit}`);
  let flying = 0;
  for (const [n, m] of w.members.entries()) {
    const entry = w.entries.find((e) => e.node === n);
    if (m.node.adminCordon && !m.node.unschedulable)
      throw new Violation(5, `the admin's cordon of n${n} is gone`);
    if (m.shadow === null || m.shadow.state === 0) continue;
    if (entry?.phase !== 'Lost') flying++;
    if (entry === undefined && !scenario.allowed.has('ledgerLost'))
      throw new Violation(1, `n${n} is in flight and not in the ledger`);
  }
  if (flying > scenario.limit) throw new Violation(1, `${flying} nodes in flight, ${scenario.limit} allowed`);
}

/** Checked when nothing but a fault can happen any more. Undefined = all is as it should be. */
export function isDone(w: World, scenario: Scenario): { invariant: number; message: string } | undefined {
  for (const [n, m] of w.members.entries()) {
    const entry = w.entries.find((e) => e.node === n);
    const isLost = entry?.phase === 'Lost' && !m.host.up;
    if (isLost || m.node.gone) continue;
    if (m.node.mark !== null) return { invariant: 4, message: `our mark is left on n${n}` };
    if (m.node.unschedulable && !m.node.adminCordon && m.shadow !== null) {
      return { invariant: 4, message: `n${n} is left cordoned` };
    }
    if (entry !== undefined)
      return { invariant: 11, message: `n${n} is left in the ledger: ${entry.phase} ${entry.reason ?? ''}` };
    if (m.shadow !== null && m.shadow.state !== 0)
      return { invariant: 11, message: `n${n} is left in state ${m.shadow.state}` };
    if (m.host.locked && m.host.up) return { invariant: 5, message: `the version lock of n${n} is left` };
    if (m.host.update === 'Ready' && m.host.up && m.shadow !== null)
      return { invariant: 4, message: `n${n} is left armed` };
  }
  const mayUpdate = w.windowOpen && !w.paused && !w.policyDeleting && !w.halted;
  if (mayUpdate && w.members.some((m) => isUpdatable(m, scenario)))
    return { invariant: 11, message: 'a node is never updated' };
  return undefined;
}

const isUpdatable = (m: World['members'][number], scenario: Scenario): boolean =>
  m.shadow !== null &&
  !m.shadow.deleting &&
  m.shadow.attempt < scenario.maxAttempts &&
  m.host.running === 'old' &&
  !m.node.unschedulable;
