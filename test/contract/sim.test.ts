/** The contract, on the cluster in memory. Its clock runs by itself here, as fast as it can. */
import { VirtualClock } from '../../src/sim/clock.ts';
import { SimCluster } from '../../src/sim/cluster/cluster.ts';
import type { Cause } from '../../src/sim/cluster/errors.ts';
import type { ApiObject } from '../../src/sim/cluster/object.ts';
import { startWorkloads } from '../../src/sim/workloads/world.ts';
import { contract } from './contract.ts';
import { machineSuite } from './machine.ts';
import { type ContractWorld, type Widget, Widgets } from './world.ts';

const wrong = (field: string, reason: string): Cause => ({ field, reason, message: 'Invalid value' });

/** The same schema as in `real.test.ts`, by hand. */
const admission = {
  prepare: (object: ApiObject): ApiObject => {
    const { apiVersion, kind, metadata, status, spec = {} } = object as unknown as Widget;
    const { size, color = 'red', note } = spec;
    return {
      ...(apiVersion !== undefined && { apiVersion }),
      ...(kind !== undefined && { kind }),
      metadata,
      spec: { color, ...(size !== undefined && { size }), ...(note !== undefined && { note }) },
      ...(status !== undefined && { status }),
    };
  },
  validate: (object: ApiObject): Cause[] => {
    const { spec = {}, status } = object as unknown as Widget;
    const { size, color = 'red' } = spec;
    if (size === undefined) return [wrong('spec.size', 'FieldValueRequired')];
    if (typeof size !== 'number' || size < 0) return [wrong('spec.size', 'FieldValueInvalid')];
    if (!['red', 'blue'].includes(color)) return [wrong('spec.color', 'FieldValueNotSupported')];
    const phase = status?.phase ?? '';
    return typeof phase === 'string' ? [] : [wrong('status.phase', 'FieldValueTypeInvalid')];
  },
};

/** @param withControllers with those of nodes and workloads, and a scheduler */
async function start(withControllers: boolean): Promise<ContractWorld> {
  const clock = new VirtualClock();
  const cluster = new SimCluster({ clock });
  cluster.install(Widgets, admission);
  const stop = new AbortController();
  if (withControllers) startWorkloads(cluster, stop.signal);
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) await clock.advance(10);
  };
  const running = run();
  return {
    port: cluster.client('contract'),
    clock,
    issueToken: async (wish) => cluster.issueToken(wish).token,
    compact: () => cluster.compact(),
    stop: async () => {
      stop.abort();
      await running;
    },
  };
}

contract('the simulated cluster', () => start(false));
machineSuite('the simulated cluster', () => start(true));
