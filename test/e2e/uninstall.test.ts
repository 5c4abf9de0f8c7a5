import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installOperator } from '../../hack/dev/manifests.ts';
import { operatorReady } from '../../hack/dev/world.ts';
import type { Node } from '../../src/api/core.ts';
import { INTERFACE_VERSION_LABEL, MARKS_ANNOTATION } from '../../src/api/names.ts';
import { testCluster } from './cluster.ts';

const cluster = testCluster();
const DEFAULT = join(import.meta.dirname, '..', '..', 'config', 'default');

/** What the operator could leave on a node. */
const traces = ({ metadata, spec }: Node) => ({
  cordoned: spec?.unschedulable === true,
  label: metadata.labels?.[INTERFACE_VERSION_LABEL],
  marks: metadata.annotations?.[MARKS_ANNOTATION],
});

describe('kubectl delete -k config/default while a node is being drained', () => {
  let busy: string;

  beforeAll(async () => {
    await cluster.publishNext();
    await cluster.applyPolicy('uninstalled', { maxConcurrentUpdates: 1 });
    const cordoned = async (): Promise<string | undefined> =>
      (await cluster.bottlerocketNodes()).find((node) => traces(node).cordoned)?.metadata.name;
    await cluster.waitFor('a node is cordoned', async () => (await cordoned()) !== undefined, 90_000);
    busy = (await cordoned()) ?? '';
    await cluster.kubectl(['delete', '-k', DEFAULT, '--timeout=150s', '--wait=true']);
  });
  afterAll(async () => {
    await installOperator(cluster.facts, cluster.facts.dir);
    await cluster.waitFor('the operator is ready again', () => operatorReady(cluster), 90_000);
    // What was staged there by an operator that is gone, a reboot takes.
    const bootId = async (): Promise<string | undefined> =>
      (await cluster.bottlerocketNodes()).find(({ metadata }) => metadata.name === busy)?.status?.nodeInfo
        ?.bootID;
    const before = await bootId();
    await cluster.host(busy, { do: 'powerCycle' });
    await cluster.waitFor('the host is up again', async () => (await bootId()) !== before, 60_000);
    await cluster.waitFor('every agent is ready again', () => operatorReady(cluster), 60_000);
    await cluster.waitFor(
      'every host reports',
      async () => Object.values(await cluster.versions()).every((version) => typeof version === 'string'),
      60_000,
    );
  });

  test('ends, and takes the custom resources with it', async () => {
    const left = await cluster.kubectl(['get', 'crd', '-o', 'name']);
    expect(left).not.toContain('brupop');
    expect(await cluster.kubectl(['get', 'ns', '-o', 'name'])).not.toContain('brupop');
  });

  test('leaves no cordon, no label and no mark on any node', async () => {
    const nodes = await cluster.bottlerocketNodes();
    expect(nodes.map(traces)).toEqual(
      cluster.nodes.map(() => ({ cordoned: false, label: undefined, marks: undefined })),
    );
  });

  test('leaves no role', async () => {
    const roles = await cluster.kubectl(['get', 'clusterrole,clusterrolebinding', '-o', 'name']);
    expect(roles).not.toContain('brupop');
  });

  test('ends every process of the operator', async () => {
    await cluster.waitFor('no process is left', () => cluster.processes().length === 0, 30_000);
  });
});
