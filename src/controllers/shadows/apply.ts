/** Carries out what was planned for a node. Each write carries the precondition of what was read. */
import { Nodes } from '../../api/core.ts';
import type { Node, Pod } from '../../api/core.ts';
import { PROGRESS_REASONS, WAIT_REASONS } from '../../api/reasons.ts';
import type { BottlerocketShadow } from '../../api/v2/bottlerocketshadow.ts';
import type { KubeObject } from '../../runtime/kubernetes.ts';
import type { Logger } from '../../runtime/log.ts';
import { subjectOf } from '../events/recorder.ts';
import type { EventRecorder } from '../events/recorder.ts';
import type { Writer } from '../kube/writer.ts';
import { osVersion } from './osimage.ts';
import type { ShadowAction } from './plan.ts';

export interface ShadowWriters {
  nodes: Writer<Node>;
  shadows: Writer<BottlerocketShadow>;
  pods: Writer<Pod>;
}

export interface ApplyOptions {
  writers: ShadowWriters;
  events: Pick<EventRecorder, 'record'>;
  logger: Logger;
}

/** Whoever deletes a shadow has seen that it is not in flight. */
const preconditions = ({ metadata }: KubeObject): { uid?: string; resourceVersion?: string } => ({
  ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
  ...(metadata.resourceVersion === undefined ? {} : { resourceVersion: metadata.resourceVersion }),
});

/** Does one thing. A write that fails is planned again: nothing is remembered. */
export async function applyShadowAction(action: ShadowAction, options: ApplyOptions): Promise<void> {
  const { writers, logger } = options;
  switch (action.do) {
    case 'label':
      logger.info('Labelling a Bottlerocket node', { node: action.node.metadata.name });
      await writers.nodes.patch(action.node.metadata, action.patch);
      return;
    case 'create':
      logger.info('Creating a shadow', { shadow: action.shadow.metadata.name });
      await writers.shadows.create(action.shadow);
      return;
    case 'delete':
      logger.info('Deleting a shadow', { shadow: action.shadow.metadata.name, why: action.why });
      await writers.shadows.delete(action.shadow.metadata, preconditions(action.shadow));
      return;
    case 'inherit':
      logger.info('Putting back an update that Brupop had begun', { shadow: action.shadow.metadata.name });
      if ((await writers.shadows.patch(action.shadow.metadata, action.patch)) !== undefined)
        sayInherited(action.shadow, options);
      return;
    case 'unfinalize':
      await writers.shadows.patch(action.shadow.metadata, action.patch);
      return;
    case 'deleteAgent':
      logger.info('Deleting an agent pod that is older than its node', { pod: action.pod.metadata.name });
      await writers.pods.delete(action.pod.metadata, { uid: action.pod.metadata.uid ?? '' });
      return;
    case 'unsupported':
      sayUnsupported(action.node, options);
  }
}

function sayUnsupported(node: Node, { events }: ApplyOptions): void {
  const { means, remedy } = WAIT_REASONS.UnsupportedOS;
  events.record({
    regarding: subjectOf(Nodes, node),
    type: 'Warning',
    reason: 'UnsupportedOS',
    action: 'Ignore',
    note: `${means} It runs ${osVersion(node) ?? 'an unknown version'}. ${remedy}`,
  });
}

function sayInherited(shadow: BottlerocketShadow, { events }: ApplyOptions): void {
  const owner = shadow.metadata.ownerReferences?.find(({ kind }) => kind === 'Node');
  if (owner === undefined) return;
  events.record({
    regarding: { apiVersion: 'v1', kind: 'Node', name: owner.name, uid: owner.uid },
    type: 'Normal',
    reason: 'Inherited',
    action: 'PutBack',
    note: PROGRESS_REASONS.Inherited.means,
  });
}
