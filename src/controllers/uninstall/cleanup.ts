/**
 * Undoes everything of ours on the cluster (design 5). Every object is read live; what fails is tried again until the
 * time is up. Nodes with an open intent are uncordoned too: nobody will be there to do it later.
 */
import { Nodes } from '../../api/core.ts';
import type { Node } from '../../api/core.ts';
import { IN_FLIGHT_FINALIZER, MARKS_ANNOTATION, POLICY_FINALIZER } from '../../api/names.ts';
import { UpdatePolicies } from '../../api/v1/updatepolicy.ts';
import { BottlerocketShadows } from '../../api/v2/bottlerocketshadow.ts';
import { undoMarks } from '../../protocol/marks.ts';
import type { Clock } from '../../runtime/clock.ts';
import { errorFields } from '../../runtime/errors.ts';
import { isKubernetesError } from '../../runtime/kubernetes.ts';
import type { KubeObject, KubernetesPort, Resource, Selection } from '../../runtime/kubernetes.ts';
import type { Logger } from '../../runtime/log.ts';
import { listAll } from '../drain/evict.ts';
import { inParallel } from '../kube/pool.ts';
import { releaseOwned } from './owned.ts';

export interface CleanupOptions {
  /** Not fenced: no lease is needed for this, and the lease goes with the namespace. */
  port: KubernetesPort;
  clock: Clock;
  logger: Logger;
  namespace: string;
}

/** Everything has to be done within this time; the process is killed after 60 s. */
export const CLEANUP_LIMIT_MS = 45_000;
const RETRY_MS = 1_000;
/** What every step may count on, however long those before it took. */
const RESERVED_MS = 5_000;

/** A step of cleaning up. @returns whether nothing is left to do. */
type Step = (options: CleanupOptions) => Promise<boolean>;

/** In this order: what a step needs must not have been given away by the one before. */
const STEPS: readonly (readonly [name: string, step: Step])[] = [
  ['marks', undoAllMarks],
  ['shadows', (options) => release(options, BottlerocketShadows, IN_FLIGHT_FINALIZER)],
  ['policies', (options) => release(options, UpdatePolicies, POLICY_FINALIZER)],
  ['own', (options) => releaseOwned(options)],
];

/**
 * Cleans up, trying each step until it is done or the time is up; what could not be undone in time does not keep the
 * finalizers, which would hang the uninstallation.
 * @returns whether everything was done.
 */
export async function cleanUp(options: CleanupOptions): Promise<boolean> {
  const { clock, logger } = options;
  const endMs = clock.monotonic() + CLEANUP_LIMIT_MS;
  let isComplete = true;
  for (const [index, [step, run]] of STEPS.entries()) {
    // Each step leaves some time to those after it.
    const isDone = await until({
      options,
      step,
      run,
      endMs: endMs - (STEPS.length - 1 - index) * RESERVED_MS,
    });
    if (!isDone) logger.warn('Clean-up is incomplete', { step });
    isComplete &&= isDone;
  }
  return isComplete;
}

async function until(work: {
  options: CleanupOptions;
  step: string;
  run: Step;
  endMs: number;
}): Promise<boolean> {
  const { options, step, run, endMs } = work;
  const { clock, logger } = options;
  for (;;) {
    try {
      if (await run(options)) return true;
    } catch (error) {
      if (!isKubernetesError(error)) throw error;
      // The kind is gone with its CRD, and all its objects with it.
      if (error.code === 'notFound') return true;
      logger.info('Clean-up is tried again', { step, ...errorFields(error) });
    }
    if (clock.monotonic() + RETRY_MS > endMs) return false;
    await clock.sleep(RETRY_MS);
  }
}

async function undoAllMarks({ port }: CleanupOptions): Promise<boolean> {
  const nodes = await listAll<Node>(port, Nodes, {});
  const marked = nodes.filter(({ metadata }) => metadata.annotations?.[MARKS_ANNOTATION] !== undefined);
  return patchAll(port, {
    resource: Nodes,
    objects: marked,
    patchOf: (node) => undoMarks(node, () => true),
  });
}

async function release<T extends KubeObject>(
  { port, namespace }: CleanupOptions,
  resource: Resource<T>,
  finalizer: string,
): Promise<boolean> {
  const selection: Selection = resource.namespaced ? { namespace } : {};
  const objects = (await listAll(port, resource, selection)).filter(({ metadata }) =>
    metadata.finalizers?.includes(finalizer),
  );
  const patchOf = ({ metadata }: T): object => ({
    metadata: {
      resourceVersion: metadata.resourceVersion,
      finalizers: metadata.finalizers?.filter((name) => name !== finalizer) ?? [],
    },
  });
  return patchAll(port, { resource, objects, patchOf });
}

/** @returns whether every object is as it should be; a conflict is looked at again. */
async function patchAll<T extends KubeObject>(
  port: KubernetesPort,
  {
    resource,
    objects,
    patchOf,
  }: {
    resource: Resource<T>;
    objects: readonly T[];
    patchOf: (object: T) => object | undefined;
  },
): Promise<boolean> {
  let isDone = true;
  await inParallel(objects, async (object) => {
    const patch = patchOf(object);
    if (patch === undefined) return;
    try {
      await port.patch(resource, object.metadata, patch);
    } catch (error) {
      if (!isKubernetesError(error)) throw error;
      isDone &&= error.code === 'notFound';
    }
  });
  return isDone;
}
