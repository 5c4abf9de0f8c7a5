/** Defaults and rules of our own kinds for the cluster in memory: the same as a real API server has from the CRDs. */
import type { KINDS } from '../../api/definitions.ts';
import { validateObject } from '../../api/validation/validate.ts';
import type { KubeObject } from '../../runtime/kubernetes.ts';
import type { Admission } from '../../sim/cluster/definition.ts';

export function admissionOf(kind: keyof typeof KINDS): Admission {
  return {
    prepare: (object) => validateObject(kind, object as KubeObject).object as typeof object,
    validate: (object, old) =>
      validateObject(kind, object as KubeObject, old as KubeObject | undefined).errors.map(
        ({ path, message, reason }) => ({ field: path, message, reason }),
      ),
  };
}
