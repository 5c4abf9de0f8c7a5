import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { Node } from '../../../src/api/core.ts';
import {
  EXCLUDE_ANNOTATION,
  GROUP,
  INTERFACE_VERSION_LABEL,
  NAMESPACE,
  RETRY_ANNOTATION,
  RUN_NOW_ANNOTATION,
} from '../../../src/api/names.ts';
import { wrongReboots } from '../../../src/sim/timeline/attempts.ts';
import type { RealCluster } from '../story/cluster.ts';
import { takeCluster } from '../story/pool.ts';
import { installOperator, OVERLAY } from '../story/install.ts';
import { namespace, SHOP, webApp } from '../story/objects.ts';
import { Story } from '../story/story.ts';

const LIMIT_MS = 60_000;

/** What people say of a node is theirs. */
const THEIRS = [EXCLUDE_ANNOTATION, RETRY_ANNOTATION, RUN_NOW_ANNOTATION];

/** What of ours is on a node. */
const oursOn = ({ metadata, spec }: Node): string[] => [
  ...Object.keys({ ...metadata.labels, ...metadata.annotations }).filter(
    (key) => (key.startsWith(`${GROUP}/`) && !THEIRS.includes(key)) || key === INTERFACE_VERSION_LABEL,
  ),
  ...(spec?.taints ?? []).map(({ key }) => key).filter((key) => key.startsWith(GROUP)),
  ...(spec?.unschedulable === true ? ['cordon'] : []),
  ...(metadata.finalizers ?? []),
];

describe('uninstalled in the middle of a rollout', () => {
  let cluster: RealCluster;
  let story: Story;
  let inFlight: string | undefined;
  let tookMs: number;
  let before: Node[];
  let after: Node[];

  beforeAll(async () => {
    cluster = await takeCluster(inject('storyClusters'));
    story = await Story.begin(cluster, {
      title: 'Uninstalled in the middle',
      about:
        'While a drain is held, somebody deletes the whole operator with `kubectl delete -k`. It puts back what it had changed before it goes.',
    });
    const node = cluster.nodes[0]!;
    await story.apply(namespace(SHOP), ...webApp({ name: 'desk', replicas: 1, minAvailable: 1, node }));
    await cluster.kubectl(['rollout', 'status', 'deployment/desk', '-n', SHOP, '--timeout=60s']);
    await story.publishNext();
    await story.applyPolicy('uninstalled', {
      nodeSelector: { matchLabels: { 'kubernetes.io/hostname': node } },
    });
    await story.waitFor('the drain is held', 120_000, async () => {
      const reason = (await story.shadows()).get(node)?.status?.update?.reason;
      return reason === 'PodDisruptionBudget';
    });
    before = await story.nodes();
    inFlight = before.find(({ spec }) => spec?.unschedulable === true)?.metadata.name;
    const startMs = performance.now();
    story.note({ actor: 'somebody' }, { kind: 'note', text: 'deletes the operator' });
    await cluster.kubectl(['delete', '-k', OVERLAY, `--timeout=${2 * LIMIT_MS}ms`]);
    tookMs = performance.now() - startMs;
    after = await story.nodes();
  });
  afterAll(async () => {
    await story.end();
    // For the stories that follow.
    await installOperator(cluster);
    await cluster.close();
  });

  test('a drain was under way, and marked', () => {
    const node = before.find(({ metadata }) => metadata.name === inFlight);
    expect(node === undefined ? [] : oursOn(node)).toContain('cordon');
  });

  test('it ended within a minute', () => {
    story.tell(`It took ${(tookMs / 1_000).toFixed(1)} s.`);
    expect(tookMs).toBeLessThan(LIMIT_MS);
  });

  test('nothing of it is left on any node', () => {
    expect(after.flatMap(oursOn)).toEqual([]);
    expect(after).toHaveLength(cluster.nodes.length);
  });

  test('nothing of it is left in the cluster', async () => {
    const kinds = 'crd,clusterrole,clusterrolebinding,namespace';
    const left = await cluster.kubectl(['get', kinds, '-o', 'name']);
    const ours = left.split('\n').filter((name) => name.includes('brupop') || name.endsWith(`/${NAMESPACE}`));
    expect(ours).toEqual([]);
  });

  test('no machine was rebooted', () => {
    expect(wrongReboots(story.timeline)).toEqual([]);
    const kinds = story.timeline.lanes.flatMap(({ marks }) => marks.map(({ kind }) => kind));
    expect(kinds).not.toContain('rebootRequested');
    expect(kinds).toContain('uncordoned');
  });
});
