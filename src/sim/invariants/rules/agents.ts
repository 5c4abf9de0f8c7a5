/** Invariant 8: an agent changes only its own shadow, only its part of it, and only as the protocol allows. */
import type { BottlerocketShadow } from '../../../api/v2/bottlerocketshadow.ts';
import { parseRfc3339 } from '../../../runtime/clock.ts';
import type { MomentOf } from '../moment.ts';
import { isApiServer, isController, nodeNameOf, openIntent } from '../reading.ts';
import { plainRule, rule } from '../rule.ts';
import type { Verdict } from '../rule.ts';

const AGENTS_PART = ['current_state', 'current_version', 'target_version', 'host'] as const;

/** Of a shadow what an agent may change. */
const agentsPart = ({ status = {} }: BottlerocketShadow): string =>
  JSON.stringify(AGENTS_PART.map((key) => status[key] ?? null));

/** Everything else, but for what every write changes. */
function theRest({ metadata, spec, status = {} }: BottlerocketShadow): string {
  const { resourceVersion: _version, ...meta } = metadata;
  const rest = Object.fromEntries(
    Object.entries(status).filter(([key]) => !AGENTS_PART.includes(key as never)),
  );
  // Times and owners of fields are kept by kube-apiserver.
  return JSON.stringify([{ ...meta, managedFields: null }, spec, rest]);
}

/** An API server changes of the cluster only shadows, and of a shadow only the agent's part. */
export const agentsChangeTheirPart = plainRule(
  { name: 'agentsChangeTheirPart', invariant: 8, of: ['shadow', 'node', 'pod', 'policy'] },
  (moment) => {
    if (!isApiServer(moment.by)) return undefined;
    if (moment.kind !== 'shadow') return `an API server changed a ${moment.kind}`;
    const { before, after } = moment;
    if (before === undefined || after === undefined) return 'an API server made or removed a shadow';
    return theRest(before) === theRest(after)
      ? ''
      : `an API server changed more of ${after.metadata.name} than an agent may`;
  },
);

/** The controller leaves the agent's part alone. */
export const controllersLeaveReports = plainRule(
  { name: 'controllersLeaveReports', invariant: 8, of: ['shadow'] },
  ({ before, after, by }) => {
    if (!isController(by) || before === undefined || after === undefined) return undefined;
    return agentsPart(before) === agentsPart(after)
      ? ''
      : `a controller changed the report of ${after.metadata.name}`;
  },
);

/** What a shadow says of its host is true of that very machine: its boot id is one that machine has had. */
export const reportsAreOfTheirHost = rule(
  { name: 'reportsAreOfTheirHost', invariant: 8, of: ['shadow', 'up', 'down'] },
  () => {
    const boots = new Map<string, Set<string>>();
    const note = (node: string, ...ids: string[]): void => {
      const known = boots.get(node) ?? new Set();
      for (const id of ids) known.add(id);
      boots.set(node, known);
    };
    return (moment): Verdict => {
      if (moment.kind !== 'shadow') {
        note(moment.node, moment.event.bootId, moment.event.previous.bootId);
        return undefined;
      }
      const { before, after, by, hosts } = moment;
      if (after === undefined || !isApiServer(by)) return undefined;
      const node = nodeNameOf(after);
      const host = hosts.get(node);
      if (host !== undefined) note(node, host.bootId);
      const bootId = after.status?.host?.bootId;
      if (bootId === undefined || bootId === before?.status?.host?.bootId) return undefined;
      return boots.get(node)?.has(bootId) === true
        ? ''
        : `${after.metadata.name} reports a boot that ${node} never had`;
    };
  },
);

/** Reports are recorded one after the other, each for the generation that asked for it. */
export const reportsAreInOrder = plainRule(
  { name: 'reportsAreInOrder', invariant: 8, of: ['shadow'] },
  ({ before, after, by }) => {
    if (!isApiServer(by) || before === undefined || after?.status?.host === undefined) return undefined;
    const { host } = after.status;
    const expected = (before.status?.host?.seq ?? 0) + 1;
    if (host?.seq !== expected)
      return `${after.metadata.name}: report ${host?.seq ?? '?'} follows ${expected - 1}`;
    return host.generation === after.metadata.generation
      ? ''
      : `${after.metadata.name}: a report for generation ${host.generation} was recorded at ${after.metadata.generation ?? 0}`;
  },
);

/** The commit point: an intent is accepted only in state 2, in time, for what is staged, in the boot it was staged in. */
export const intentsAreLegal = plainRule(
  { name: 'intentsAreLegal', invariant: 9, of: ['shadow'] },
  (moment) => {
    const { before, after, now, toleranceMs } = moment;
    const intent = openIntent(after);
    if (after === undefined || intent === undefined || intent.at === openIntent(before)?.at) return undefined;
    const { spec, metadata, status } = after;
    const staged = before?.status?.host?.staged;
    const late = [spec.notAfter, spec.deadline].some(
      (text) => now >= (parseRfc3339(text) ?? Number.POSITIVE_INFINITY) + toleranceMs,
    );
    const wrongs: [boolean, string][] = [
      [spec.state !== 'RebootedIntoUpdate', `in state ${spec.state}`],
      [intent.version !== spec.version, `for ${intent.version}`],
      [intent.generation !== metadata.generation, `for generation ${intent.generation}`],
      [intent.bootId !== status?.host?.bootId, 'for another boot'],
      [staged?.version !== spec.version || staged?.attempt !== spec.attempt, 'with nothing staged for it'],
      [staged?.bootId !== intent.bootId, 'in another boot than it was staged in'],
      [metadata.deletionTimestamp !== undefined, 'for a shadow that is being deleted'],
      [late, 'too late'],
    ];
    const wrong = wrongs.find(([is]) => is);
    return wrong === undefined ? '' : `${metadata.name}: an intent was accepted ${wrong[1]}`;
  },
);

/** An open intent is closed by a new boot, by an error, or by the agent's word once the attempt was given up. */
export const intentsCloseRightly = plainRule(
  { name: 'intentsCloseRightly', invariant: 9, of: ['shadow'] },
  ({ before, after }: MomentOf<'shadow'>) => {
    const open = openIntent(before);
    if (open === undefined || after === undefined || openIntent(after) !== undefined) return undefined;
    const { current_state: state, host } = after.status ?? {};
    const isClosed =
      host?.bootId !== open.bootId ||
      state === 'ErrorReset' ||
      (after.spec.state === 'Idle' && state === 'Idle');
    return isClosed ? '' : `${after.metadata.name}: an open intent was dropped in state ${state ?? 'none'}`;
  },
);
