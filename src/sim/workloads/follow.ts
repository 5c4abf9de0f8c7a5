/** Follows a selection of objects with as little as a double needs: list, watch, and begin again when that ends. */
import type { Clock } from '../../runtime/clock.ts';
import {
  isKubernetesError,
  type KubeObject,
  type KubernetesPort,
  type Resource,
  type Selection,
} from '../../runtime/kubernetes.ts';
import { sleepUnlessAborted } from '../../runtime/timers.ts';

export interface FollowOptions<T extends KubeObject> {
  port: KubernetesPort;
  clock: Clock;
  resource: Resource<T>;
  selection: Selection;
  /** Everything there is, after every list. */
  onList: (objects: T[]) => void;
  onChange: (object: T) => void;
  onGone: (object: T) => void;
}

const RETRY_MS = 1_000;

/** Until the signal aborts; errors of the API are waited out. */
export async function follow<T extends KubeObject>(
  options: FollowOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const { items, resourceVersion } = await options.port.list(options.resource, options.selection);
      if (signal.aborted) return;
      options.onList(items);
      await watchFrom(options, resourceVersion, signal);
    } catch (error) {
      if (!isKubernetesError(error)) throw error;
      await sleepUnlessAborted(options.clock, RETRY_MS, signal);
    }
  }
}

/** Watches on from where the last watch ended, until the server has forgotten that. */
async function watchFrom<T extends KubeObject>(
  { port, resource, selection, onChange, onGone }: FollowOptions<T>,
  from: string,
  signal: AbortSignal,
): Promise<void> {
  let resourceVersion = from;
  while (!signal.aborted) {
    for await (const event of port.watch(resource, { ...selection, resourceVersion, signal })) {
      if (signal.aborted) return;
      resourceVersion =
        event.type === 'BOOKMARK'
          ? event.resourceVersion
          : (event.object.metadata.resourceVersion ?? resourceVersion);
      if (event.type === 'DELETED') onGone(event.object);
      else if (event.type !== 'BOOKMARK') onChange(event.object);
    }
  }
}
