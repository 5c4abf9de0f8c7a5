/** How a pod behaves, written on it as annotations: what its template says its pods do. */
import type { Pod } from '../../api/core.ts';

const PREFIX = 'sim.brupop.test';

/** What is out of the ordinary about the pods of a workload. */
export interface PodBehaviour {
  /** From binding to running. */
  startMs?: number;
  /** From SIGTERM to its end; longer than the grace period = it ignores SIGTERM. */
  stopMs?: number;
  /** It ends by itself after so long. */
  runMs?: number;
  /** Its volumes take so long to detach once it is gone. */
  detachMs?: number;
}

const FIELDS = ['startMs', 'stopMs', 'runMs', 'detachMs'] as const satisfies (keyof PodBehaviour)[];

/** As annotations of a pod template. */
export const behaviourAnnotations = (behaviour: PodBehaviour): Record<string, string> =>
  Object.fromEntries(
    FIELDS.flatMap((field) => {
      const value = behaviour[field];
      return value === undefined ? [] : [[`${PREFIX}/${field}`, String(value)]];
    }),
  );

/** What the annotations of a pod say. */
export function behaviourOf({ metadata: { annotations = {} } }: Pod): PodBehaviour {
  const behaviour: PodBehaviour = {};
  for (const field of FIELDS) {
    const text = annotations[`${PREFIX}/${field}`];
    if (text !== undefined) behaviour[field] = Number(text);
  }
  return behaviour;
}
