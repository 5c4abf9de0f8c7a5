/** Trouble that comes to one node. */
import { aged, forgotten, isYoung } from './decide.ts';
import { event } from './event.ts';
import type { At, MemberEvent } from './event.ts';
import { ageMark, boot, graceEnds, powerOff, startAgent } from './host.ts';
import type { Fault } from './rules.ts';
import { editShadow, newHost, newNode, refresh, withAgent, withHost, withNode } from './world.ts';
import type { Effect, Member } from './world.ts';

/** Undefined where it makes no sense. */
type FaultRule = (m: Member) => (() => Effect) | undefined;

const AGENT_FAULTS: Partial<Record<Fault, FaultRule>> = {
  agentCrash: (m) => {
    const knows = m.agent.put !== null || Object.keys(m.agent.memory).length > 2;
    if (!m.host.up || m.node.gone || !knows) return undefined;
    const { echo, put } = m.agent;
    return () => ({
      m: refresh(withAgent(m, { echo: echo ?? put, put: null, memory: forgotten() })),
    });
  },
  spontaneousReboot: (m) =>
    m.host.up && !m.host.going && !m.node.gone ? () => ({ m: powerOff(m) }) : undefined,
};

const TIME_FAULTS: Partial<Record<Fault, FaultRule>> = {
  deadlinePasses: (m) => passDeadline(m, false),
  intentAges: (m) => {
    const { shadow, agent } = m;
    const { intent } = shadow ?? { intent: null };
    if (intent?.old !== false && !isYoung(agent.memory)) return undefined;
    // A shutdown that was delayed (5 minutes at most, bottlerocket-api 6) has happened by then, or never will.
    return () => ({
      m: {
        ...withHost(m, { going: false, goingFor: 0 }),
        shadow: older(shadow),
        agent: { ...agent, cache: older(agent.cache), memory: aged(agent.memory) },
      },
    });
  },
  drainLate: (m) => (m.node.mark?.at === 'settled' ? () => ({ m: ageMark(m, 'late') }) : undefined),
};

const older = (s: Member['shadow']): Member['shadow'] =>
  s === null || s.intent === null ? s : { ...s, intent: { ...s.intent, old: true } };

function passDeadline(m: Member, unseen: boolean): (() => Effect) | undefined {
  const { shadow } = m;
  if (shadow?.deadline !== 'ahead') return undefined;
  return () => ({ m: { ...m, shadow: { ...shadow, deadline: 'grace', unseen } } });
}

const ADMIN_FAULTS: Partial<Record<Fault, FaultRule>> = {
  shadowDeleted: (m) =>
    m.shadow !== null && !m.shadow.deleting ? () => editShadow(m, 'meta', { deleting: true }) : undefined,
  /** With its finalizers, by force: what it knew of the host is lost. */
  shadowRemoved: (m) =>
    m.shadow === null
      ? undefined
      : () => ({ ...editShadow(m, 'meta', {}), m: { ...editShadow(m, 'meta', {}).m, shadow: null } }),
  adminCordon: (m) => {
    const { node } = m;
    if (node.gone) return undefined;
    // Over a cordon of ours whose removal nobody has seen it changes nothing that can be told.
    const isSeen = node.mark?.released === true || node.uncordonSeen;
    const isOverOurs = node.mark !== null && !isSeen && !node.mark.was;
    const adminCordon = node.adminCordon || (!node.unschedulable && !isOverOurs);
    return () => ({ m: withNode(m, { unschedulable: true, adminCordon }), node: 'admin' });
  },
  adminUncordon: (m) =>
    m.node.gone || !m.node.unschedulable
      ? undefined
      : () => ({ m: withNode(m, { unschedulable: false, adminCordon: false }), node: 'admin' }),
  relabel: (m) =>
    m.node.gone ? undefined : () => ({ m: withNode(m, { winner: 1 - m.node.winner }), node: true }),
};

const CLUSTER_FAULTS: Partial<Record<Fault, FaultRule>> = {
  deadlineUnseen: (m) => passDeadline(m, true),
  staleNode: (m) => (m.stale === null && !m.node.gone ? () => ({ m: { ...m, stale: m.node } }) : undefined),
  /** The machine is taken away, or only its Node: then it may register again. */
  nodeDeleted: (m) => (m.node.gone || m.shadow === null ? undefined : () => nodeDeleted(m)),
};

function nodeDeleted(m: Member): Effect {
  const gone = withNode(m, {
    gone: true,
    mark: null,
    unschedulable: false,
    adminCordon: false,
    uncordonSeen: false,
    pods: 0,
  });
  const { agent } = gone;
  const left: Member = {
    ...withAgent(gone, { echo: agent.echo ?? agent.put, put: null, memory: forgotten() }),
    stale: null,
  };
  // Its shadow belongs to it, and is deleted with it.
  const effect = left.shadow?.deleting === false ? editShadow(left, 'meta', { deleting: true }) : { m: left };
  return { ...effect, node: true };
}

const RETURN_FAULTS: Partial<Record<Fault, FaultRule>> = {
  /** A new machine registers under the old name. */
  nodeRecreated: (m) =>
    m.node.gone && m.node.uid === 1 ? () => register(m, newHost(m.host.boot + 1)) : undefined,
  /** The old machine registers again. */
  nodeReregistered: (m) =>
    m.node.gone && m.node.uid === 1 ? () => register(m, m.host.up ? m.host : boot(m, false).host) : undefined,
};

function register(m: Member, host: Member['host']): Effect {
  const node = { ...newNode(2, host.boot), winner: m.node.winner };
  return { m: startAgent({ ...m, node, host }), node: true };
}

const RULES: readonly (readonly [Fault, FaultRule])[] = [
  AGENT_FAULTS,
  TIME_FAULTS,
  ADMIN_FAULTS,
  CLUSTER_FAULTS,
  RETURN_FAULTS,
].flatMap((table) => Object.entries(table) as [Fault, FaultRule][]);

const TIMES = Object.entries(TIME_FAULTS) as [Fault, FaultRule][];

/** Trouble that a scenario allows. */
export const faultEvents = ({ m, scenario }: At): MemberEvent[] =>
  RULES.flatMap(([fault, rule]) => {
    const effect = scenario.allowed.has(fault) ? rule(m) : undefined;
    return effect === undefined ? [] : [event(`${fault} n#`, effect, 'cost')];
  });

/** What time brings by itself when all wait; a deadline that passed unseen has been moved by then, if it could be. */
export const timeEvents = ({ m }: At): MemberEvent[] => [
  ...TIMES.flatMap(([fault, rule]) => {
    const effect = rule(m);
    return effect === undefined ? [] : [event(`time: ${fault} n#`, effect)];
  }),
  ...(m.shadow?.unseen === true ? graceEnds(m) : []),
];
