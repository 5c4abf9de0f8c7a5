/** What the doubles of workload controllers have in common: pods from a template. */
import type { Pod } from '../../api/core.ts';
import type { OwnerReference } from '../../runtime/kubernetes.ts';
import type { PodTemplate } from '../cluster/kinds.ts';

export interface Owner extends OwnerReference {
  namespace: string;
}

/** A pod that is not there yet, named after its owner by the server. */
export function podFrom(template: PodTemplate, { namespace, ...owner }: Owner): Pod {
  const metadata = {
    name: '',
    generateName: `${owner.name}-`,
    namespace,
    ownerReferences: [owner],
    ...template.metadata,
  };
  return { metadata, spec: template.spec };
}

/** The key of `namespace/name`. */
export function splitKey(key: string): { namespace: string; name: string } {
  const [namespace = '', name = ''] = key.split('/');
  return { namespace, name };
}

/** Ten characters that differ for different texts (FNV-1a, twice). */
export function textHash(text: string): string {
  const fnv = (seed: number): string => {
    let value = seed;
    for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
    return (value >>> 0).toString(36).padStart(7, '0').slice(-5);
  };
  return fnv(0x811c9dc5) + fnv(0x5bd1e995);
}
