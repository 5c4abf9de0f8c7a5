/** Whether the operator is being uninstalled: its namespace or one of its CRDs is on its way out. */
import { CustomResourceDefinitions, Namespaces } from '../../api/core.ts';
import { GROUP } from '../../api/names.ts';
import { isKubernetesError } from '../../runtime/kubernetes.ts';
import type { Key, KubernetesPort, Resource } from '../../runtime/kubernetes.ts';

const DEFINITIONS = [`bottlerocketshadows.${GROUP}`, `updatepolicies.${GROUP}`];

/** Asks the API server. An answer that does not come is no sign of anything. */
export async function isUninstalling(port: Pick<KubernetesPort, 'get'>, namespace: string): Promise<boolean> {
  const signs = await Promise.all([
    isTerminating(port, Namespaces, { name: namespace }),
    ...DEFINITIONS.map((name) => isTerminating(port, CustomResourceDefinitions, { name })),
  ]);
  return signs.some(Boolean);
}

async function isTerminating(
  port: Pick<KubernetesPort, 'get'>,
  resource: Resource,
  key: Key,
): Promise<boolean> {
  try {
    return (await port.get(resource, key)).metadata.deletionTimestamp !== undefined;
  } catch (error) {
    if (isKubernetesError(error)) return false;
    throw error;
  }
}
