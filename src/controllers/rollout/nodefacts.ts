/** What the rules of a policy read of a node. What depends on one object alone is remembered for as long as it lives. */
import type { Node, Pod } from '../../api/core.ts';
import { END_COUNTS } from '../../api/reasons.ts';
import type { EndReason } from '../../api/reasons.ts';
import type { BottlerocketShadow } from '../../api/v2/bottlerocketshadow.ts';
import { nodeControls } from '../../policy/annotations.ts';
import type { NodeControls } from '../../policy/annotations.ts';
import type { AvailabilityFacts } from '../../policy/budget.ts';
import type { EffectivePolicy } from '../../policy/effective.ts';
import { shadowFacts } from '../../policy/facts.ts';
import type { NodeFacts as RuleFacts, ShadowFacts } from '../../policy/facts.ts';
import { ZONE_LABEL } from '../../policy/order.ts';
import type { OrderFacts } from '../../policy/order.ts';
import type { StatusNode } from '../../policy/progress.ts';
import type { VersionRules } from '../../policy/versions.ts';
import { cordonOf } from '../../protocol/marks.ts';
import { hasLeftovers } from '../../protocol/states.ts';
import { isSupported, osVersion } from '../shadows/osimage.ts';
import type { CompiledPolicy } from './compile.ts';
import type { NodeFacts } from './snapshot.ts';

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
  /** What the status of the policy counts. */
  readonly shown: StatusNode;
}

const ofPolicies = new WeakMap<NodeFacts, { effective: EffectivePolicy; node: PolicyNode }>();

export interface PolicyNodeOptions {
  now: number;
  policy: Pick<CompiledPolicy, 'effective' | 'versions'>;
  /** Names a pod that `drain.waitForPods` selects. */
  waitingPod?: (() => string | undefined) | undefined;
}

/** The node for a policy; the same object for as long as nothing of both changes. */
export function policyNode(source: NodeFacts, options: PolicyNodeOptions): PolicyNode {
  const { policy, now, waitingPod } = options;
  // With it the rules for versions are the same.
  const { effective } = policy;
  const known = ofPolicies.get(source);
  if (known?.effective === effective) return known.node;
  const controls = nodeControls(source.node.metadata.annotations, now);
  const node = makePolicyNode(source, controls, options);
  // What people say by annotation may depend on the time.
  const isLasting = !controls.excluded && controls.errors.length === 0 && !hasInstant(controls);
  if (isLasting && waitingPod === undefined) ofPolicies.set(source, { effective, node });
  return node;
}

const hasInstant = ({ runNowUntilMs, retryAtMs }: NodeControls): boolean =>
  runNowUntilMs !== undefined || retryAtMs !== undefined;

function makePolicyNode(
  source: NodeFacts,
  controls: NodeControls,
  { policy, waitingPod }: PolicyNodeOptions,
): PolicyNode {
  const { name, node, shadow, isReady, isAgentReporting, runsOperator } = source;
  const { cordonedByOthers, unsupportedVersion } = ofNode(node);
  const facts = shadow === undefined ? undefined : ofShadow(shadow);
  return {
    source,
    name,
    controls,
    ready: isReady,
    unschedulable: node.spec?.unschedulable === true,
    deleting: node.metadata.deletionTimestamp !== undefined,
    cordonedByOthers,
    agentReady: isAgentReporting,
    unsupportedVersion,
    shadow: facts,
    waitingPod,
    domain: domainOf(node, policy.effective.topology?.key),
    currentVersion: facts?.current ?? '',
    runsOperator,
    shown: shownOf(source, controls, policy.versions),
  };
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

/** Names a pod that `waits` selects and that has not ended. */
export function waitingPodOf(pods: readonly Pod[], waits: (pod: Pod) => boolean): string | undefined {
  const found = pods.find(
    (pod) => pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed' && waits(pod),
  );
  return found === undefined ? undefined : `${found.metadata.namespace ?? ''}/${found.metadata.name}`;
}
