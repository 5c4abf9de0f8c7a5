/** What the rules of a policy read of a node. What depends on one object alone is remembered for as long as it lives. */
import type { Node, Pod } from '../../api/core.ts';
import { END_COUNTS } from '../../api/reasons.ts';
import type { EndReason } from '../../api/reasons.ts';
import type { BottlerocketShadow } from '../../api/v2/bottlerocketshadow.ts';
import { nodeControls } from '../../policy/annotations.ts';
import type { NodeControls } from '../../policy/annotations.ts';
import type { AvailabilityFacts } from '../../policy/budget.ts';
import type { Block } from '../../policy/block.ts';
import type { EffectivePolicy } from '../../policy/effective.ts';
import { shadowFacts } from '../../policy/facts.ts';
import type { NodeFacts as RuleFacts, ShadowFacts } from '../../policy/facts.ts';
import { ZONE_LABEL } from '../../policy/order.ts';
import type { OrderFacts } from '../../policy/order.ts';
import type { StatusNode } from '../../policy/progress.ts';
import type { VersionRules } from '../../policy/versions.ts';
import { cordonOf } from '../../protocol/marks.ts';
import { hasLeftovers } from '../../protocol/states.ts';
import { parseRfc3339 } from '../../runtime/clock.ts';
import { isSupported, osVersion } from '../shadows/osimage.ts';
import type { CompiledPolicy } from './compile.ts';
import type { NodeFacts, Snapshot } from './snapshot.ts';

/** What a Node says by itself. */
interface OfNode {
  readonly cordonedByOthers: boolean;
  readonly unsupportedVersion: string | undefined;
}

const ofNodes = new WeakMap<Node, OfNode>();
const ofShadows = new WeakMap<BottlerocketShadow, ShadowFacts>();

function ofNode(node: Node): OfNode {
  const known = ofNodes.get(node);
  if (known !== undefined) return known;
  const facts: OfNode = {
    cordonedByOthers: cordonOf(node).by === 'others',
    unsupportedVersion: isSupported(node) ? undefined : osVersion(node),
  };
  ofNodes.set(node, facts);
  return facts;
}

function ofShadow(shadow: BottlerocketShadow): ShadowFacts {
  const known = ofShadows.get(shadow);
  if (known !== undefined) return known;
  const facts = shadowFacts(shadow, hasLeftovers(shadow));
  ofShadows.set(shadow, facts);
  return facts;
}

/** A node as the rules of its policy see it. */
export interface PolicyNode extends RuleFacts, AvailabilityFacts, OrderFacts {
  readonly source: NodeFacts;
  /** Of the policy that sees it so. */
  readonly effective: EffectivePolicy;
  /** What the status of the policy counts. */
  readonly shown: StatusNode;
  /** What keeps it from starting, as was found last; see nodeblocks.ts. */
  answer: Answer | undefined;
}

/** What was found, and what has to be the same object for that to hold still. */
export interface Answer {
  readonly epoch: object;
  readonly found: Block | undefined;
}

/** What a policy looks at its nodes with; the same for all of them, in one plan. */
export interface PolicyView extends Pick<Snapshot, 'now' | 'lastPodsOf'> {
  policy: Pick<CompiledPolicy, 'effective' | 'versions' | 'waitForPods'>;
}

/** The node for a policy; the same object for as long as nothing of both changes. */
export function policyNode(source: NodeFacts, view: PolicyView): PolicyNode {
  // Effective values are made anew with everything else that derives from the spec.
  const { effective, waitForPods } = view.policy;
  if (source.seen?.effective === effective) return source.seen;
  const controls = nodeControls(source.node.metadata.annotations, view.now);
  const node = makePolicyNode(source, controls, view);
  // What people say by annotation may depend on the time, and pods are not part of the node.
  const isLasting = !controls.excluded && controls.errors.length === 0 && !hasInstant(controls);
  if (isLasting && waitForPods === undefined) source.seen = node;
  return node;
}

const hasInstant = ({ runNowUntilMs, retryAtMs }: NodeControls): boolean =>
  runNowUntilMs !== undefined || retryAtMs !== undefined;

function makePolicyNode(source: NodeFacts, controls: NodeControls, view: PolicyView): PolicyNode {
  const { policy } = view;
  const { name, node, shadow, isReady, isAgentReporting, runsOperator } = source;
  const { cordonedByOthers, unsupportedVersion } = ofNode(node);
  const facts = shadow === undefined ? undefined : ofShadow(shadow);
  return {
    source,
    effective: policy.effective,
    answer: undefined,
    name,
    controls,
    ready: isReady,
    unschedulable: node.spec?.unschedulable === true,
    deleting: node.metadata.deletionTimestamp !== undefined,
    cordonedByOthers,
    agentReady: isAgentReporting,
    unsupportedVersion,
    shadow: facts,
    waitingPod: policy.waitForPods === undefined ? undefined : () => waitingPodOf(name, view),
    domain: domainOf(node, policy.effective.topology?.key),
    currentVersion: facts?.current ?? '',
    runsOperator,
    putBackAtMs: putBackAtMs(shadow),
    shown: shownOf(source, controls, policy.versions),
  };
}

/** When the last attempt was put back, if nothing worse came of it; 0 else. A failure is dealt with by people. */
function putBackAtMs(shadow: BottlerocketShadow | undefined): number {
  const { outcome, state_transition_timestamp: endedAt } = shadow?.spec ?? {};
  const counts = END_COUNTS[(outcome?.reason ?? '') as EndReason] as string | undefined;
  // The instant alone decides between such nodes; any is after none.
  return counts === 'nothing' || counts === 'backoff' ? (parseRfc3339(endedAt) ?? 1) : 0;
}

function shownOf(
  { name, shadow }: NodeFacts,
  controls: NodeControls,
  versions: VersionRules | undefined,
): StatusNode {
  const facts = shadow === undefined ? undefined : ofShadow(shadow);
  const host = shadow?.status?.host;
  return {
    name,
    excluded: controls.excluded,
    lastEnd: lastEndOf(facts?.backoff),
    retryAtMs: controls.retryAtMs,
    variant: host?.variant ?? undefined,
    arch: host?.arch ?? undefined,
    current: facts?.current ?? undefined,
    verdict: (facts === undefined ? undefined : versions?.judge(facts)) ?? { kind: 'unknown' },
  };
}

const lastEndOf = (backoff: ShadowFacts['backoff']): StatusNode['lastEnd'] =>
  backoff !== undefined && backoff.reason in END_COUNTS
    ? { reason: backoff.reason as EndReason, atMs: backoff.atMs }
    : undefined;

/** The failure domain of a node: its label of `key`, "" without. */
export const domainOf = (node: Node, key: string = ZONE_LABEL): string => node.metadata.labels?.[key] ?? '';

const isOver = ({ status }: Pod): boolean => status?.phase === 'Succeeded' || status?.phase === 'Failed';

/** Names a pod on a node that `drain.waitForPods` selects and that has not ended. */
function waitingPodOf(node: string, { policy: { waitForPods }, lastPodsOf }: PolicyView): string | undefined {
  const found = lastPodsOf(node)?.find((pod) => !isOver(pod) && waitForPods?.(pod.metadata.labels) === true);
  return found === undefined ? undefined : `${found.metadata.namespace ?? ''}/${found.metadata.name}`;
}
