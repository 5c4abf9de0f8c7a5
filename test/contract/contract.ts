/** The contract of the Kubernetes port: one suite, whatever is behind it. */
import { afterAll, beforeAll, describe } from 'vitest';
import { deletionSuite } from './suites/deletion.ts';
import { evictionSuite } from './suites/evictions.ts';
import { identitySuite } from './suites/identity.ts';
import { listSuite } from './suites/lists.ts';
import { objectSuite } from './suites/objects.ts';
import { statusSuite } from './suites/status.ts';
import { watchSuite } from './suites/watches.ts';
import type { ContractWorld } from './world.ts';

/** @param concurrent runs rows side by side: what waits most of the time need not wait alone */
export function contract(name: string, start: () => Promise<ContractWorld>, concurrent = false): void {
  describe(name, { concurrent }, () => {
    let running: ContractWorld | undefined;
    const world = (): ContractWorld => {
      if (running === undefined) throw new Error('The world is not there yet');
      return running;
    };
    beforeAll(async () => {
      running = await start();
    });
    afterAll(() => running?.stop());
    objectSuite(world);
    statusSuite(world);
    listSuite(world);
    watchSuite(world);
    deletionSuite(world);
    evictionSuite(world);
    identitySuite(world);
  });
}
