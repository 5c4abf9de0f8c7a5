/** How long a world may take, from its calm on, until all that can be updated is. */
import { Nodes } from '../../api/core.ts';
import { UpdatePolicies } from '../../api/v1/updatepolicy.ts';
import { NAMESPACE, shadowName } from '../../api/names.ts';
import { BottlerocketShadows } from '../../api/v2/bottlerocketshadow.ts';
import { compileSelector } from '../../policy/selector.ts';
import { parseRfc3339 } from '../../runtime/clock.ts';
import { livenessBoundMs } from '../../sim/scenario/liveness.ts';
import type { WaitingNode } from '../../sim/scenario/liveness.ts';
import type { World } from '../world/world.ts';

/** Nobody plays a story for longer. */
const MOST_MS = 30 * 24 * 3_600_000;

/** The policies one after the other, as a node may have to wait for the one before to let it go. */
export function boundOf(world: World): number {
  const { cluster, clock, repository } = world;
  const now = clock.now();
  const waves = repository.manifest.flatMap((release) => Object.values(release.waves));
  const offeredFromMs = Math.max(now, ...waves.map((at) => parseRfc3339(at) ?? now));
  const bounds = cluster.peekAll(UpdatePolicies).map((policy) => {
    const selects = compileSelector(policy.spec.nodeSelector ?? {});
    const selected = cluster.peekAll(Nodes).filter(({ metadata }) => selects(metadata.labels));
    const nodes = selected.map(({ metadata }) => waiting(world, metadata));
    return livenessBoundMs({ now, policy, nodes, offeredFromMs });
  });
  return Math.min(
    MOST_MS,
    bounds.reduce((sum, bound) => sum + bound, 0),
  );
}

function waiting({ cluster }: World, node: { name: string; labels?: Record<string, string> }): WaitingNode {
  const shadow = cluster.peek(BottlerocketShadows, { name: shadowName(node.name), namespace: NAMESPACE });
  const { failures = 0, until } = shadow?.status?.backoff ?? {};
  return { labels: node.labels ?? {}, badEnds: failures, backoffUntilMs: parseRfc3339(until) };
}
