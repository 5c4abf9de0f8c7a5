/** A machine in the model, its kubelet, and the scheduler that sees its Node. */
import { forgotten } from './decide.ts';
import { event } from './event.ts';
import type { At, MemberEvent } from './event.ts';
import { Violation } from './rules.ts';
import type { Scenario } from './rules.ts';
import { newShadow, refresh, withAgent, withHost, withNode } from './world.ts';
import type { KubeNode, Member } from './world.ts';

/** What the machine and the cluster around it may do next. */
export function hostEvents(at: At): MemberEvent[] {
  return [...machineEvents(at), ...(at.m.node.gone ? [] : nodeEvents(at.m)), ...timeOfDeadline(at.m)];
}

function machineEvents({ m, scenario }: At): MemberEvent[] {
  const { host } = m;
  const found: MemberEvent[] = [];
  if (host.going) found.push(event('H# goes down', () => ({ m: goDown(m, scenario) })));
  // A machine that is gone with its Node comes back only as another one.
  if (host.up || m.node.gone) return found;
  found.push(event('H# boots', () => ({ m: boot(m, false) })));
  if (scenario.allowed.has('bootFallback') && host.update === 'Ready')
    found.push(event('H# falls back', () => ({ m: boot(m, true) }), 'cost'));
  return found;
}

function nodeEvents(m: Member): MemberEvent[] {
  const { node, host } = m;
  const found: MemberEvent[] = [];
  if (host.up && node.boot !== host.boot) {
    found.push(event('kubelet n# registers', () => ({ m: withNode(m, { boot: host.boot }), node: true })));
  }
  const mayBind = !node.unschedulable || node.mark?.at === 'fresh';
  if (node.pods === 0 && mayBind && m.shadow?.state === 1)
    found.push(event('a pod is bound to n#', () => ({ m: withNode(m, { pods: 1 }) })));
  if (node.mark?.at === 'fresh')
    found.push(event('the cordon of n# settles', () => ({ m: ageMark(m, 'settled') })));
  if (m.stale !== null)
    found.push(event('the controllers see node n#', () => ({ m: { ...m, stale: null } })));
  if (m.shadow === null) found.push(event('a shadow of n# is created', () => ({ m: newlyShadowed(m) })));
  return found;
}

const timeOfDeadline = (m: Member): MemberEvent[] => (m.shadow?.unseen === true ? [] : graceEnds(m));

/** Two minutes after its deadline a step counts as missed. */
export function graceEnds(m: Member): MemberEvent[] {
  const { shadow } = m;
  if (shadow?.deadline !== 'grace') return [];
  return [event('the grace of n# ends', () => ({ m: { ...m, shadow: { ...shadow, deadline: 'missed' } } }))];
}

/** Time passes for a mark, also for the copy of it that is still seen. */
export function ageMark(m: Member, at: 'settled' | 'late'): Member {
  const age = (node: KubeNode): KubeNode =>
    node.mark === null ? node : { ...node, mark: { ...node.mark, at } };
  return { ...m, node: age(m.node), stale: m.stale === null ? null : age(m.stale) };
}

/** The shadow before it is gone; the node gets another. */
function newlyShadowed(m: Member): Member {
  const { agent } = m;
  const other = (report: typeof agent.put) => (report === null ? null : { ...report, sameUid: false });
  return {
    ...m,
    shadow: newShadow(m.shadows + 1),
    shadows: m.shadows + 1,
    agent: { ...agent, put: other(agent.put), echo: other(agent.echo) },
  };
}

/** The machine goes down for a reboot that was asked for: was it right, at this very moment? */
function goDown(m: Member, { allowed }: Scenario): Member {
  const { shadow: s, host, node } = m;
  if (host.asked.includes(host.goingFor))
    throw new Violation(9, `attempt ${Math.floor(host.goingFor / 8)} rebooted twice`);
  // Nobody can take a POST back when a person deletes the Node, or removes the shadow by force.
  const isKept = host.goingFor % 8 === s?.uid || !allowed.has('shadowRemoved');
  if (s !== null && !node.gone && node.uid === 1 && isKept) checkReboot(m, s);
  return powerOff(withHost(m, { asked: [...host.asked, host.goingFor] }));
}

function checkReboot({ host, node }: Member, s: NonNullable<Member['shadow']>): void {
  if (s.intent === null || s.intent.boot !== host.boot)
    throw new Violation(9, 'a reboot without an open intent');
  if (s.state !== 2) throw new Violation(9, `a reboot in state ${s.state}`);
  // A node that an admin uncordons at the last moment is nobody's fault; one that we uncordoned is ours.
  const isOurFault = node.mark === null && !node.unschedulable;
  if (node.pods > 0 && s.version !== 'new' && isOurFault)
    throw new Violation(3, 'a reboot under running pods');
}

/** The machine is off; what its agent had sent may still arrive. */
export function powerOff(m: Member): Member {
  const { agent } = m;
  return withAgent(withHost(m, { going: false, goingFor: 0, up: false }), {
    echo: agent.echo ?? agent.put,
    put: null,
  });
}

/** The machine comes back; the agent knows nothing. */
export function boot(m: Member, fallsBack: boolean): Member {
  const { host } = m;
  return startAgent(
    withHost(m, {
      up: true,
      boot: host.boot + 1,
      running: host.update === 'Ready' && !fallsBack ? 'new' : host.running,
      update: 'Idle',
      last: null,
    }),
  );
}

/** An agent that knows nothing, and reads the shadow as it is. */
export const startAgent = (m: Member): Member => refresh(withAgent(m, { memory: forgotten() }));
