/** Carries out what a plan asks for: policies first (a slot is in the ledger before anything starts), then the rest. */
import type { Node } from '../../api/core.ts';
import type { UpdatePolicy } from '../../api/v1/updatepolicy.ts';
import type { BottlerocketShadow } from '../../api/v2/bottlerocketshadow.ts';
import type { KubeObject } from '../../runtime/kubernetes.ts';
import type { Logger } from '../../runtime/log.ts';
import type { EventRecorder, NewEvent } from '../events/recorder.ts';
import { inParallel } from '../kube/pool.ts';
import type { Writer } from '../kube/writer.ts';
import type { Action } from './actions.ts';
import type { Drains } from './drains.ts';
import type { HealthChecks } from './health.ts';
import type { Lookups } from './lookups.ts';
import type { NodePods } from './nodepods.ts';

export interface RolloutWriters {
  nodes: Writer<Node>;
  shadows: Writer<BottlerocketShadow>;
  policies: Writer<UpdatePolicy>;
}

export interface ApplyOptions {
  writers: RolloutWriters;
  drains: Drains;
  health: HealthChecks;
  nodePods: NodePods;
  lookups: Lookups;
  events: Pick<EventRecorder, 'record'>;
  logger: Logger;
  /**
   * Work that goes on beside the loop: what becomes of it is seen when it calls back. It may be refused while much is
   * under way; then the next plan asks again.
   */
  beside: (work: () => Promise<unknown>) => void;
  /** The process ends: what is not begun is left. */
  isStopping: () => boolean;
}

/** Runs all of them, a few at a time. @throws KubernetesError `fenced`. */
export async function applyActions(actions: readonly Action[], options: ApplyOptions): Promise<void> {
  await inParallel(
    actions.filter(({ do: verb }) => verb === 'patchPolicy'),
    (action) => applyAction(action, options),
  );
  await inParallel(
    actions.filter(({ do: verb }) => verb !== 'patchPolicy'),
    (action) => applyAction(action, options),
  );
}

async function applyAction(action: Action, options: ApplyOptions): Promise<void> {
  const { writers, drains, health, nodePods, lookups, beside, isStopping } = options;
  if (isStopping()) return;
  switch (action.do) {
    case 'patchPolicy':
      return write(writers.policies, { ...action, object: action.policy }, options);
    case 'patchShadow':
      return write(writers.shadows, { ...action, object: action.shadow }, options);
    case 'patchNode':
      return write(writers.nodes, { ...action, object: action.node }, options);
    case 'drain':
      return beside(() => drains.advance(action.order, action.step));
    case 'verify':
      return beside(() => health.list(action.id, action.node));
    case 'lookForPods':
      return beside(() => nodePods.list(action.node));
    case 'lookUp':
      await lookups.ask(action.lookup);
  }
}

interface WriteOf<T extends KubeObject> {
  object: T;
  patch: object;
  why: string;
  subresource?: 'status';
  events?: NewEvent[];
}

async function write<T extends KubeObject>(
  writer: Writer<T>,
  { object, patch, why, subresource, events = [] }: WriteOf<T>,
  { logger, events: recorder }: ApplyOptions,
): Promise<void> {
  const written = await writer.patch(
    object.metadata,
    patch,
    subresource === undefined ? {} : { subresource },
  );
  if (written === undefined) return;
  if (why !== '') logger.info('Step written', { step: why, name: object.metadata.name });
  for (const event of events) recorder.record(event);
}
