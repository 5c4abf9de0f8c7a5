/**
 * What has to come of each node once nothing goes wrong any more: it is done, it is due, or something that people have set
 * keeps it for good. Pure: the world as it is in, a verdict a node out. It says nothing about when.
 */
import type { Node } from '../../api/core.ts';
import { INTERFACE_VERSION, INTERFACE_VERSION_LABEL } from '../../api/names.ts';
import type { UpdatePolicy } from '../../api/v1/updatepolicy.ts';
import { nodeControls } from '../../policy/annotations.ts';
import { resolveLimit } from '../../policy/budget.ts';
import { withDefaults } from '../../policy/effective.ts';
import type { EffectivePolicy } from '../../policy/effective.ts';
import { policySelector } from '../../policy/select.ts';
import type { SelectingPolicy, Selection } from '../../policy/select.ts';
import { compileSelector } from '../../policy/selector.ts';
import { specErrors } from '../../policy/validate.ts';
import { VersionRules } from '../../policy/versions.ts';
import { CompiledWindows } from '../../policy/windows.ts';
import { INTERFACE_LABEL_MARK, cordonOf, readMarks } from '../../protocol/marks.ts';
import { whyHeld } from './heldpods.ts';
import type { PodsOfWorld } from './heldpods.ts';

/** A machine, as far as its updates go. */
export interface ExpectedMachine {
  name: string;
  /** What runs. */
  version: string;
  /** What it will be offered once all waves are open, newest first. */
  offered: readonly string[];
  /** What it would choose of that by itself. */
  chosen: string | undefined;
}

/** The world as it is. */
export interface ExpectedWorld extends PodsOfWorld {
  /** Wall clock. */
  now: number;
  machines: readonly ExpectedMachine[];
  policies: readonly Readonly<UpdatePolicy>[];
}

/** What has to come of one node. */
export interface Expectation {
  node: string;
  state: 'done' | 'due' | 'barred';
  /** Why it is due or barred. */
  why: string;
}

interface ReadPolicy extends SelectingPolicy {
  source: Readonly<UpdatePolicy>;
  effective: EffectivePolicy;
}

/** A node with the policy that wins it. */
interface Case {
  machine: ExpectedMachine;
  node: Readonly<Node>;
  policy: ReadPolicy;
  world: ExpectedWorld;
  /** All nodes that the policy wins. */
  selected: readonly Readonly<Node>[];
}

/** See the head of this file. In the order of the machines. */
export function expectations(world: ExpectedWorld): Expectation[] {
  const read = world.policies.map(readPolicy);
  const select = policySelector(read);
  const nodes = new Map(world.nodes.map((node) => [node.metadata.name, node]));
  const winners = new Map(world.nodes.map((node) => [node, winnerOf(select(node.metadata.labels))]));
  return world.machines.map((machine): Expectation => {
    const { name } = machine;
    const node = nodes.get(name);
    if (node === undefined) return { node: name, state: 'due', why: 'its kubelet has not registered it' };
    const policy = winners.get(node);
    if (policy === undefined) return { node: name, state: 'barred', why: 'not exactly one policy wins it' };
    const selected = world.nodes.filter((other) => winners.get(other) === policy);
    return judge({ machine, node, policy, world, selected });
  });
}

function judge(of: Case): Expectation {
  const node = of.machine.name;
  const bar = BARS.reduce<string | undefined>((found, ask) => found ?? ask(of), undefined);
  if (bar !== undefined) return { node, state: 'barred', why: bar };
  const verdict = new VersionRules(of.policy.effective.version).judge({
    current: of.machine.version,
    available: of.machine.offered,
    chosen: of.machine.chosen,
  });
  if (verdict.kind !== 'eligible') return { node, state: 'done', why: verdict.kind };
  return { node, state: 'due', why: `it runs ${of.machine.version} and may have ${verdict.version}` };
}

const readPolicy = (source: Readonly<UpdatePolicy>): ReadPolicy => {
  const effective = withDefaults(source.spec);
  return {
    source,
    name: source.metadata.name,
    priority: effective.priority,
    effective,
    selects: compileSelector(effective.nodeSelector),
  };
};

const winnerOf = (selection: Selection<ReadPolicy>): ReadPolicy | undefined =>
  selection.kind === 'won' ? selection.policy : undefined;

/** Why it is left alone for good; undefined = not for that reason. */
type Bar = (of: Case) => string | undefined;

const policyActs: Bar = ({ policy: { source, effective }, selected }) => {
  if (source.metadata.deletionTimestamp !== undefined) return 'the policy is being deleted';
  if (specErrors(source.spec).length > 0) return 'the policy has an error';
  if (effective.mode !== 'Enabled') return `the policy is ${effective.mode}`;
  return resolveLimit(effective.maxConcurrentUpdates, selected.length) === 0
    ? 'the policy updates none at a time'
    : undefined;
};

const windowOpens: Bar = ({ policy: { effective }, world: { now } }) => {
  const { open, nextOpensAt } = new CompiledWindows(effective).at(now);
  return open || nextOpensAt !== undefined ? undefined : 'no window opens any more';
};

/** Who takes our label away, or sets another, is heeded. */
const isManaged: Bar = ({ node }) => {
  const label = node.metadata.labels?.[INTERFACE_VERSION_LABEL];
  const wasSet = readMarks(node).marks[INTERFACE_LABEL_MARK] !== undefined;
  const isOurs = label === INTERFACE_VERSION || (label === undefined && !wasSet);
  return isOurs ? undefined : 'others took it away from us';
};

const isAllowed: Bar = ({ node, world: { now }, policy }) => {
  if (node.metadata.deletionTimestamp !== undefined) return 'it is being deleted';
  if (nodeControls(node.metadata.annotations, now).excluded) return 'it is excluded';
  return cordonOf(node).by === 'others' && policy.effective.cordonedNodes === 'Skip'
    ? 'others cordoned it'
    : undefined;
};

/** Others hold as many nodes unavailable as may be. */
const enoughAvailable: Bar = ({ node, policy: { effective }, selected }) => {
  const { maxUnavailable } = effective;
  if (maxUnavailable === null) return undefined;
  const limit = resolveLimit(maxUnavailable, selected.length);
  const away = selected.filter((other) => other !== node && isHeldByOthers(other)).length;
  return away >= limit ? 'too many nodes are unavailable for good' : undefined;
};

const isHeldByOthers = (node: Readonly<Node>): boolean =>
  node.metadata.deletionTimestamp !== undefined || cordonOf(node).by === 'others';

const never = (): boolean => false;

const podsMove: Bar = ({ node, policy: { effective }, world }) => {
  const { ignorePods, waitForPods } = effective.drain;
  const isAwaited = waitForPods === null ? never : compileSelector(waitForPods);
  const awaited = world.pods.find(
    ({ metadata, spec, status }) =>
      spec?.nodeName === node.metadata.name &&
      !['Succeeded', 'Failed'].includes(status?.phase ?? '') &&
      isAwaited(metadata.labels),
  );
  if (awaited !== undefined) return `pod ${awaited.metadata.name} runs there, which is waited for`;
  return whyHeld(node.metadata.name, world, ignorePods === null ? never : compileSelector(ignorePods));
};

const BARS: readonly Bar[] = [policyActs, windowOpens, isManaged, isAllowed, enoughAvailable, podsMove];
