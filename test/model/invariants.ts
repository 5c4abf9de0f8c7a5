/** The invariants of design 10, as far as the model has what they speak of. */
import { Violation } from './rules.ts';
import type { Scenario } from './rules.ts';
import type { Entry, Member, Policy, World } from './world.ts';

/** Checked in every state. */
export function checkState(w: World, scenario: Scenario): void {
  const { limit, allowed } = scenario;
  w.policies.forEach((policy, index) => {
    const used = policy.entries.reduce((sum, e) => sum + (e.phase === 'Lost' ? 0 : 1), 0);
    if (used > limit) throw new Violation(1, `${used} slots taken of ${limit}`);
    const flying = w.members.reduce((sum, m, n) => sum + (flies(policy, index, { m, n }) ? 1 : 0), 0);
    if (flying > limit) throw new Violation(1, `${flying} nodes in flight, ${limit} allowed`);
  });
  w.members.forEach((m, n) => {
    if (m.node.adminCordon && !m.node.unschedulable)
      throw new Violation(5, `the admin's cordon of n${n} is gone`);
    if (m.shadow === null || m.shadow.state === 0 || m.shadow.owner === null) return;
    const owner = w.policies[m.shadow.owner]!;
    if (entryOf(owner, m, n) === undefined && !owner.gone && !allowed.has('ledgerLost'))
      throw new Violation(1, `n${n} is in flight and not in the ledger`);
  });
}

const entryOf = (policy: Policy, { shadow }: Member, n: number): Entry | undefined =>
  policy.entries.find((e) => e.node === n && e.shadowUid === shadow?.uid);

const flies = (policy: Policy, index: number, { m, n }: { m: Member; n: number }): boolean =>
  m.shadow !== null &&
  m.shadow.state !== 0 &&
  m.shadow.owner === index &&
  entryOf(policy, m, n)?.phase !== 'Lost';

/** Checked when nothing but a fault can happen any more. */
export function checkQuiet(w: World, scenario: Scenario): void {
  const { allowed } = scenario;
  w.members.forEach((m, n) => {
    const entries = w.policies.flatMap(({ entries: all }) => all.filter((e) => e.node === n));
    const isLost = entries.some(({ phase }) => phase === 'Lost') && !m.host.up;
    if (isLost) return;
    checkPutBack(m, n);
    if (!allowed.has('shadowRemoved')) checkHost(m, n);
    const entry = entries[0];
    if (entry !== undefined)
      throw new Violation(11, `n${n} is left in the ledger: ${entry.phase} ${entry.reason ?? ''}`);
  });
  const { paused, deleting, halted } = w.policies[0]!;
  const mayUpdate = w.window === 'open' && !paused && !deleting && !halted && w.policies.length === 1;
  if (mayUpdate && w.members.some((m) => isUpdatable(m, scenario)))
    throw new Violation(11, 'a node is never updated');
}

/** Nothing of ours is left on the Node or in the shadow. */
function checkPutBack({ node, shadow }: Member, n: number): void {
  if (node.gone) {
    if (shadow !== null) throw new Violation(11, `the shadow of n${n} is left, though its Node is gone`);
    return;
  }
  if (node.mark !== null) throw new Violation(4, `our mark is left on n${n}`);
  if (node.unschedulable && !node.adminCordon) throw new Violation(4, `n${n} is left cordoned`);
  if (shadow === null) throw new Violation(11, `n${n} has no shadow`);
  if (shadow.deleting) throw new Violation(11, `the shadow of n${n} is left being deleted`);
  if (shadow.state !== 0) throw new Violation(11, `n${n} is left in state ${shadow.state}`);
}

/**
 * Nothing of ours is left on the host, as long as the record of it was not destroyed: a machine that registers again,
 * or whose shadow was removed by force, brings what nobody knows any more. It waits with `ArmedByOthers`.
 */
function checkHost({ node, host }: Member, n: number): void {
  if (!host.up || node.gone || node.uid !== 1) return;
  if (host.locked) throw new Violation(5, `the version lock of n${n} is left`);
  if (host.update === 'Ready') throw new Violation(4, `n${n} is left armed`);
}

const isUpdatable = ({ shadow, host, node }: Member, { maxAttempts }: Scenario): boolean =>
  shadow !== null &&
  shadow.attempt < maxAttempts &&
  host.running === 'old' &&
  host.update !== 'Ready' &&
  !node.gone &&
  !node.unschedulable;
