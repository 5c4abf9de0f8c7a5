/** Reads the three objects, live: they are few and change rarely, and no watch on Secrets is needed. */
import type { ConfigMap, Secret } from '../../api/core.ts';
import { ConfigMaps, Secrets } from '../../api/core.ts';
import { APISERVER_SERVICE, CA_BUNDLE_CONFIGMAP, CA_KEY_SECRET, SERVING_SECRET } from '../../api/names.ts';
import type { KubeObject, KubernetesPort, Resource } from '../../runtime/kubernetes.ts';
import { isKubernetesError } from '../../runtime/kubernetes.ts';
import { foreignKeeper, parseAuthorities, parseBundle, parseServing } from './parse.ts';
import type { Snapshot } from './plan.ts';

/** The objects as they were read; undefined = not there. */
export interface Stored {
  authorities: Secret | undefined;
  serving: Secret | undefined;
  bundle: ConfigMap | undefined;
}

/** The names under which agents may reach the API server: those of its Service, and what was asked for. */
export const dnsNamesOf = (
  namespace: string,
  extra: readonly string[] = [],
): readonly [string, ...string[]] => [
  APISERVER_SERVICE,
  `${APISERVER_SERVICE}.${namespace}`,
  `${APISERVER_SERVICE}.${namespace}.svc`,
  `${APISERVER_SERVICE}.${namespace}.svc.cluster.local`,
  ...extra,
];

/** @throws KubernetesError when one could not be read. */
export async function gather(
  kubernetes: Pick<KubernetesPort, 'get'>,
  options: { namespace: string; extraDnsNames: readonly string[]; now: () => number },
): Promise<{ stored: Stored; snapshot: Snapshot }> {
  const { namespace } = options;
  const read = <T extends KubeObject>(resource: Resource<T>, name: string): Promise<T | undefined> =>
    kubernetes.get(resource, { name, namespace }).catch((error: unknown) => {
      if (isKubernetesError(error, 'notFound')) return undefined;
      throw error;
    });
  const [authorities, serving, bundle] = await Promise.all([
    read(Secrets, CA_KEY_SECRET),
    read(Secrets, SERVING_SECRET),
    read(ConfigMaps, CA_BUNDLE_CONFIGMAP),
  ]);
  const snapshot: Snapshot = {
    now: options.now(),
    authorities: parseAuthorities(authorities),
    bundle: parseBundle(bundle),
    serving: parseServing(serving),
    dnsNames: dnsNamesOf(namespace, options.extraDnsNames),
    foreignKeeper: foreignKeeper(serving),
  };
  return { stored: { authorities, serving, bundle }, snapshot };
}
