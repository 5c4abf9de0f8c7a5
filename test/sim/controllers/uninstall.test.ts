import { describe, expect, it } from 'vitest';
import {
  ClusterRoleBindings,
  ClusterRoles,
  CustomResourceDefinitions,
  Namespaces,
  Nodes,
  ServiceAccounts,
} from '../../../src/api/core.ts';
import {
  CONTROLLER_SERVICE_ACCOUNT,
  IN_FLIGHT_FINALIZER,
  INTERFACE_VERSION_LABEL,
  MARKS_ANNOTATION,
  NAMESPACE,
  POLICY_FINALIZER,
  UNINSTALL_FINALIZER,
} from '../../../src/api/names.ts';
import { UpdatePolicies } from '../../../src/api/v1/updatepolicy.ts';
import { BottlerocketShadows } from '../../../src/api/v2/bottlerocketshadow.ts';
import { namespaceRules, rules } from '../../../src/controllers/rbac.ts';
import { cleanUp } from '../../../src/controllers/uninstall/cleanup.ts';
import { whenUninstalling } from '../../../src/controllers/uninstall/controller.ts';
import { holdOwned } from '../../../src/controllers/uninstall/owned.ts';
import { KubernetesError } from '../../../src/runtime/kubernetes.ts';
import type { Key, KubeObject, Resource } from '../../../src/runtime/kubernetes.ts';
import { silentLogger } from '../../../src/runtime/log.ts';
import { accessByRules } from '../../../src/sim/cluster/call.ts';
import { SimCluster } from '../../../src/sim/cluster/cluster.ts';
import { VirtualClock } from '../../../src/sim/clock.ts';

const ROLE = { name: CONTROLLER_SERVICE_ACCOUNT };
const ACCOUNT = { namespace: NAMESPACE, name: CONTROLLER_SERVICE_ACCOUNT };
const OWNED: [Resource, Key][] = [
  [ServiceAccounts, ACCOUNT],
  [ClusterRoles, ROLE],
  [ClusterRoleBindings, ROLE],
];
const AT = '2026-01-01T00:00:00Z';

/** A cluster in the middle of an update: a node cordoned by us, a shadow and a policy with our finalizers. */
function world() {
  const clock = new VirtualClock();
  const cluster = new SimCluster({ clock });
  cluster.install(BottlerocketShadows);
  cluster.install(UpdatePolicies);
  cluster.add(Namespaces, { metadata: { name: NAMESPACE } });
  for (const [resource, key] of OWNED) cluster.add(resource, { metadata: { ...key } });
  const marks = {
    cordon: { ours: true, was: false, at: AT, owner: { shadowUid: 's', attempt: 1 } },
    [`label/${INTERFACE_VERSION_LABEL}`]: { ours: '2.0.0', was: null, at: AT },
  };
  cluster.add(Nodes, {
    metadata: {
      name: 'a',
      labels: { [INTERFACE_VERSION_LABEL]: '2.0.0', role: 'worker' },
      annotations: { [MARKS_ANNOTATION]: JSON.stringify(marks) },
    },
    spec: { unschedulable: true },
  });
  cluster.add(Nodes, { metadata: { name: 'theirs' }, spec: { unschedulable: true } });
  cluster.add(BottlerocketShadows, {
    metadata: { name: 'brs-a', namespace: NAMESPACE, finalizers: [IN_FLIGHT_FINALIZER] },
    spec: { state: 'RebootedIntoUpdate' },
  });
  cluster.add(UpdatePolicies, {
    metadata: { name: 'p', finalizers: [POLICY_FINALIZER, 'x.io/theirs'] },
    spec: {},
  });
  const client = cluster.client({
    name: 'controller',
    access: accessByRules(rules, namespaceRules, NAMESPACE),
  });
  const options = { port: client, clock, logger: silentLogger, namespace: NAMESPACE };
  const admin = cluster.client('admin');
  /** Lets a promise end. */
  const done = async <T>(promise: Promise<T>, ms = 60_000): Promise<T | 'open'> => {
    let result: T | 'open' = 'open';
    const ended = promise.then((value) => (result = value));
    await clock.runUntil(() => result !== 'open', ms);
    if (result !== 'open') await ended;
    return result;
  };
  const uninstall = async (): Promise<void> => {
    for (const [resource, key] of [...OWNED, [Namespaces, { name: NAMESPACE }] as const])
      await done(admin.delete(resource, key));
    for (const crd of cluster.peekAll(CustomResourceDefinitions))
      await done(admin.delete(CustomResourceDefinitions, crd.metadata));
  };
  return { clock, cluster, client, options, done, uninstall };
}

const finalizersOf = (cluster: SimCluster, resource: Resource, key: Key): string[] | undefined =>
  cluster.peek<KubeObject>(resource, key)?.metadata.finalizers;

describe('uninstalling', () => {
  it('is noticed when the namespace goes, and not before', async () => {
    const { clock, options, done, uninstall } = world();
    const noticed = whenUninstalling(options, new AbortController().signal);
    expect(await done(noticed, 30_000)).toBe('open');
    await uninstall();
    const at = clock.monotonic();
    expect(await done(noticed)).toBe(true);
    expect(clock.monotonic() - at).toBeLessThan(6_000);
  });

  it('is noticed by a process that is told to end because of it', async () => {
    const { options, done, uninstall } = world();
    const abort = new AbortController();
    const noticed = whenUninstalling(options, abort.signal);
    await uninstall();
    abort.abort();
    expect(await done(noticed)).toBe(true);
  });

  it('is not what ends a process otherwise', async () => {
    const { options, done } = world();
    const abort = new AbortController();
    const noticed = whenUninstalling(options, abort.signal);
    abort.abort();
    expect(await done(noticed)).toBe(false);
  });

  it('leaves nothing of ours, and all of others', async () => {
    const { cluster, options, done, uninstall, clock } = world();
    await done(holdOwned(options));
    for (const [resource, key] of OWNED)
      expect(finalizersOf(cluster, resource, key)).toEqual([UNINSTALL_FINALIZER]);
    await uninstall();
    expect(cluster.peek(ClusterRoles, ROLE)).toBeDefined();
    expect(await done(cleanUp(options))).toBe(true);
    const node = cluster.peek(Nodes, { name: 'a' });
    expect(node?.spec?.unschedulable ?? false).toBe(false);
    expect(node?.metadata.labels).toEqual({ role: 'worker' });
    expect(node?.metadata.annotations ?? {}).toEqual({});
    expect(cluster.peek(Nodes, { name: 'theirs' })?.spec?.unschedulable).toBe(true);
    expect(finalizersOf(cluster, UpdatePolicies, { name: 'p' })).toEqual(['x.io/theirs']);
    await clock.advance(10_000);
    for (const [resource, key] of OWNED) expect(cluster.peek(resource, key)).toBeUndefined();
    expect(cluster.peekAll(CustomResourceDefinitions).map(({ metadata }) => metadata.name)).toEqual([
      'updatepolicies.brupop.bottlerocket.aws',
    ]);
  });

  it('goes on in spite of errors, and ends in time', async () => {
    const { clock, cluster, client, options, done, uninstall } = world();
    await done(holdOwned(options));
    await uninstall();
    let asked = 0;
    client.faults = () =>
      ++asked <= 15 ? { error: new KubernetesError('server', 'away', { status: 500 }) } : undefined;
    const from = clock.monotonic();
    expect(await done(cleanUp(options))).toBe(true);
    expect(clock.monotonic() - from).toBeLessThan(45_000);
    expect(cluster.peek(Nodes, { name: 'a' })?.spec?.unschedulable ?? false).toBe(false);
  });

  it('does not hang on what cannot be undone', async () => {
    const { clock, cluster, client, options, done, uninstall } = world();
    await done(holdOwned(options));
    await uninstall();
    client.faults = ({ resource }) =>
      resource.plural === 'nodes'
        ? { error: new KubernetesError('server', 'away', { status: 500 }) }
        : undefined;
    const from = clock.monotonic();
    expect(await done(cleanUp(options), 120_000)).toBe(false);
    expect(clock.monotonic() - from).toBeLessThan(50_000);
    for (const [resource, key] of OWNED) expect(cluster.peek(resource, key)).toBeUndefined();
  });
});
