/**
 * Why a node does not move, or how an attempt ended: the one closed list. Conditions, policy status, Events,
 * metric labels, logs and docs/reference/reasons.md all take their words from here.
 */
export interface ReasonText {
  /** What it means, one sentence. */
  readonly means: string;
  /** What a person can do about it; empty when there is nothing to do but wait. */
  readonly remedy: string;
}

const reason = (means: string, remedy = ''): ReasonText => ({ means, remedy });

/** The node waits, or is left alone. Order = order of the admission chain. */
export const WAIT_REASONS = {
  NoPolicy: reason(
    'No UpdatePolicy selects the node.',
    'Label the node or widen the nodeSelector of a policy.',
  ),
  PolicyTie: reason(
    'Two or more policies of the same priority select the node, so none acts.',
    'Give them different priorities, or selectors that do not overlap.',
  ),
  OwnedByOther: reason('Another policy is still updating the node.'),
  UpToDate: reason('The node runs the newest version its policy allows.'),
  UnsupportedOS: reason(
    'The host is older than the update API that interface 2.0.0 needs (Bottlerocket 0.4.1).',
    'Replace the node with a newer image.',
  ),
  PolicyInvalid: reason(
    'The policy has an error, so it starts nothing.',
    'See its condition Valid: it names the field and the remedy.',
  ),
  PolicyDeleted: reason('The policy is being deleted.'),
  PolicyPaused: reason('The policy is paused.', 'Set spec.mode to Enabled.'),
  ClockSkew: reason(
    "The controller's clock is more than 30 s from that of kube-apiserver, so it starts nothing.",
    'Synchronise the clock of the node that runs the controller.',
  ),
  WindowClosed: reason(
    'No maintenance window is open.',
    'Wait, or set the annotation brupop.bottlerocket.aws/run-now on the node.',
  ),
  Blackout: reason('A blackout window is on.', 'Wait for its end, or change spec.blackoutWindows.'),
  MinRemaining: reason(
    'Too little of the window is left to start a node.',
    'Wait for the next one, or lower spec.minRemaining.',
  ),
  Halted: reason(
    'A node failed, so nothing new starts.',
    'Look into it, then set the annotation brupop.bottlerocket.aws/resume on the policy.',
  ),
  Excluded: reason(
    'The node carries the annotation brupop.bottlerocket.aws/exclude.',
    'Remove the annotation.',
  ),
  CordonedByOthers: reason(
    'Somebody else cordoned the node.',
    'Uncordon it, or set spec.cordonedNodes to Include.',
  ),
  NodeDeleting: reason('The node is being deleted.'),
  NodeNotReady: reason('The node is not Ready.', 'Repair it.'),
  AgentNotReporting: reason(
    'No Ready agent pod on the node, or no report from it yet.',
    'Look at the agent pod of the node.',
  ),
  HostUnreachable: reason(
    'The agent cannot talk to the host API.',
    'Look at the agent pod and at apiserver.service on the host.',
  ),
  RepositoryUnreachable: reason(
    'The host cannot reach its update repository.',
    'Check the network and settings.updates on the host.',
  ),
  StillArmed: reason(
    'What an earlier attempt staged or changed on the host has not been undone yet.',
    'The agent retries; see status.host.error of the shadow.',
  ),
  ArmedByOthers: reason(
    'Somebody else has an update ready on the host.',
    'Reboot it, or run apiclient raw -m POST -u /actions/deactivate-update there.',
  ),
  WaitForPods: reason('A pod that spec.drain.waitForPods selects runs on the node.', 'Wait for it to end.'),
  NoEligibleVersion: reason(
    'The host is offered no version that spec.version allows.',
    'Check spec.version; the shadow lists what is offered.',
  ),
  NotOffered: reason(
    'hostLock is Observe and the host does not offer exactly the target.',
    'Wait for its wave, or change spec.version.',
  ),
  Backoff: reason(
    'The last attempt on the node ended badly; it is tried again later.',
    'Wait, or set the annotation brupop.bottlerocket.aws/retry on the node.',
  ),
  NoSlot: reason('As many nodes as allowed are being updated.', 'Wait, or raise spec.maxConcurrentUpdates.'),
  LedgerFull: reason(
    '2,000 nodes are being updated, which is as many as one policy can.',
    'Wait, or split the policy.',
  ),
  MaxUnavailable: reason(
    'Too many nodes are unavailable already.',
    'Repair them, or raise spec.maxUnavailable.',
  ),
  TopologyLimit: reason(
    'As many nodes of this failure domain as allowed are being updated.',
    'Wait, or raise spec.topology.',
  ),
  DryRun: reason('The policy only shows what it would do.', 'Set spec.mode to Enabled.'),
} as const;

/** The node is being updated. */
export const PROGRESS_REASONS = {
  Reserved: reason('A slot is taken; the update is about to start.'),
  Staging: reason('The host downloads and prepares the new version.'),
  Draining: reason('Pods are being moved away.'),
  PodDisruptionBudget: reason(
    'A PodDisruptionBudget keeps a pod from being evicted.',
    'Add replicas, or relax the PodDisruptionBudget.',
  ),
  MultipleDisruptionBudgets: reason(
    'More than one PodDisruptionBudget selects a pod, which Kubernetes refuses to evict.',
    'Leave one of them.',
  ),
  PodTerminating: reason(
    'A pod has been evicted and is still terminating.',
    'Look at its grace period and finalizers.',
  ),
  EvictionThrottled: reason('kube-apiserver asks to evict more slowly.'),
  EvictionRefused: reason('kube-apiserver refuses to evict a pod.', 'Its words are in the message.'),
  Rebooting: reason('The host reboots into the new version.'),
  RebootLost: reason(
    'The host has not come back within the deadline.',
    'Look at the machine; it keeps its cordon until it is heard.',
  ),
  Verifying: reason('The host is back; it has to stay healthy for spec.health.stableFor.'),
  Resting: reason('The node is updated; its slot is held for spec.interval.'),
  PuttingBack: reason('The attempt ended; the host and the node are being put back.'),
  Inherited: reason('An update that Brupop had begun is being put back.'),
} as const;

/** How an attempt ended (protocol 8). */
export const END_REASONS = {
  Updated: reason('The node runs the target and is healthy.'),
  WindowClosed: WAIT_REASONS.WindowClosed,
  Blackout: WAIT_REASONS.Blackout,
  Paused: reason('The policy was paused.'),
  PolicyDeleted: WAIT_REASONS.PolicyDeleted,
  PolicyInvalid: WAIT_REASONS.PolicyInvalid,
  ShadowDeleted: reason('The shadow of the node was deleted.'),
  Superseded: reason('Something that admission asks for no longer holds, so the attempt was abandoned.'),
  NodeGone: reason('The node was removed.'),
  StageFailed: reason('The host could not stage the version.', 'See status.host.error of the shadow.'),
  StageTimeout: reason('Staging took longer than spec.timeouts.stage.'),
  DrainTimeout: reason(
    'Draining took longer than spec.drain.timeout.',
    'The message names the pod and what kept it.',
  ),
  Interfered: reason('Somebody uncordoned the node while it was being drained.'),
  NotArmed: reason('The host had lost what was staged before it was told to reboot.'),
  RebootRefused: reason('The host refused to reboot.', 'See status.host.error of the shadow.'),
  BootFallback: reason(
    'The host booted back into the old version: the new one does not start there.',
    'Look into the release before you resume.',
  ),
  UnexpectedVersion: reason('After the reboot the host runs neither the old version nor the target.'),
  RebootTimeout: reason('The host did not come back within spec.timeouts.reboot.'),
  VerifyTimeout: reason('The node was not healthy within spec.timeouts.verify after the reboot.'),
  NodeLostAfterReboot: reason('The node was removed after it had been told to reboot.'),
} as const;

/** Reasons of the conditions of a policy that are no reasons of a node. */
export const CONDITION_REASONS = {
  Observed: reason('The present generation has been looked at.'),
  Valid: reason('Nothing is wrong with the policy.'),
  NotHalted: reason('No failure stands.'),
  NotStalled: reason('Nothing needs a person.'),
  WindowOpen: reason('Updates may run now.'),
  Updating: reason('Nodes are being updated.'),
  UpdatesPending: reason('Not all nodes are up to date.'),
  NoNodes: reason(
    'The policy wins no node.',
    'Compare spec.nodeSelector with the labels of the nodes, and its priority with those of other policies.',
  ),
} as const;

export type WaitReason = keyof typeof WAIT_REASONS;
export type ProgressReason = keyof typeof PROGRESS_REASONS;
export type EndReason = keyof typeof END_REASONS;
export type Reason = WaitReason | ProgressReason | EndReason;
/** What a condition of a policy may give as its reason. */
export type ConditionReason = keyof typeof CONDITION_REASONS | Reason;

/** What an end counts: a failure halts the policy, a back-off delays that node, the rest counts nothing. */
export const END_COUNTS: Readonly<Record<EndReason, 'success' | 'nothing' | 'backoff' | 'failure'>> = {
  Updated: 'success',
  WindowClosed: 'nothing',
  Blackout: 'nothing',
  Paused: 'nothing',
  PolicyDeleted: 'nothing',
  PolicyInvalid: 'nothing',
  ShadowDeleted: 'nothing',
  Superseded: 'nothing',
  NodeGone: 'nothing',
  StageFailed: 'backoff',
  StageTimeout: 'backoff',
  DrainTimeout: 'backoff',
  Interfered: 'backoff',
  NotArmed: 'backoff',
  RebootRefused: 'backoff',
  BootFallback: 'failure',
  UnexpectedVersion: 'failure',
  RebootTimeout: 'failure',
  VerifyTimeout: 'failure',
  NodeLostAfterReboot: 'failure',
};
