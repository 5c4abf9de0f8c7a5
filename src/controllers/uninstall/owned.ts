/**
 * The controller's own ServiceAccount, ClusterRole and ClusterRoleBinding (design 5): while the leader's finalizer is
 * on them, `kubectl delete -k` cannot take away its rights before it has cleaned up.
 */
import { ClusterRoleBindings, ClusterRoles, ServiceAccounts } from '../../api/core.ts';
import { CONTROLLER_SERVICE_ACCOUNT, UNINSTALL_FINALIZER } from '../../api/names.ts';
import { errorFields } from '../../runtime/errors.ts';
import { isKubernetesError } from '../../runtime/kubernetes.ts';
import type { Key, KubernetesPort, KubeObject, Resource } from '../../runtime/kubernetes.ts';
import type { Logger } from '../../runtime/log.ts';
import { CONTROLLER_ROLE } from '../rbac.ts';

interface Owned {
  resource: Resource;
  key: Key;
}

const owned = (namespace: string): Owned[] => [
  { resource: ServiceAccounts, key: { namespace, name: CONTROLLER_SERVICE_ACCOUNT } },
  { resource: ClusterRoles, key: { name: CONTROLLER_ROLE } },
  { resource: ClusterRoleBindings, key: { name: CONTROLLER_ROLE } },
];

export interface OwnedOptions {
  port: KubernetesPort;
  namespace: string;
  logger: Logger;
}

/** Puts the finalizer on them. What is missing, or on its way out, is left alone: somebody runs it without. */
export async function holdOwned({ port, namespace, logger }: OwnedOptions): Promise<void> {
  for (const { resource, key } of owned(namespace)) {
    try {
      const object = await port.get(resource, key);
      const finalizers = object.metadata.finalizers ?? [];
      if (object.metadata.deletionTimestamp !== undefined || finalizers.includes(UNINSTALL_FINALIZER))
        continue;
      await port.patch(resource, key, finalizersPatch(object, [...finalizers, UNINSTALL_FINALIZER]));
    } catch (error) {
      if (!isKubernetesError(error) || error.code === 'fenced') throw error;
      logger.warn('Own role or account could not be held', { kind: resource.kind, ...errorFields(error) });
    }
  }
}

/** So long every one of several requests has reached kube-apiserver, and been allowed, whatever it has to do. */
const ALL_ALLOWED_MS = 2_000;

/**
 * Takes the finalizer off again. With the first of them the right to change the others goes, so that all are asked for
 * before one is carried out.
 * @returns whether it is off all of them.
 */
export async function releaseOwned({ port, namespace }: OwnedOptions): Promise<boolean> {
  const held = await Promise.all(
    owned(namespace).map(async (each) => ({ ...each, object: await readOrNothing(port, each) })),
  );
  const released = await Promise.all(
    held.map(async ({ resource, key, object }) => {
      if (object === undefined) return true;
      const rest = (object.metadata.finalizers ?? []).filter((name) => name !== UNINSTALL_FINALIZER);
      if (rest.length === object.metadata.finalizers?.length || object.metadata.finalizers === undefined)
        return true;
      return isDone(
        port.patch(resource, key, finalizersPatch(object, rest), { bodyAfterMs: ALL_ALLOWED_MS }),
      );
    }),
  );
  return released.every(Boolean);
}

const finalizersPatch = (object: KubeObject, finalizers: string[]): object => ({
  metadata: { resourceVersion: object.metadata.resourceVersion, finalizers },
});

async function readOrNothing(
  port: KubernetesPort,
  { resource, key }: Owned,
): Promise<KubeObject | undefined> {
  try {
    return await port.get(resource, key);
  } catch (error) {
    if (isKubernetesError(error, 'notFound', 'unauthorized', 'forbidden')) return undefined;
    throw error;
  }
}

/** Whether a write succeeded, or what it is about is gone. */
async function isDone(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (!isKubernetesError(error)) throw error;
    return error.code === 'notFound';
  }
}
