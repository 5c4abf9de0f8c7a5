/** The contract, on a real kube-apiserver with its controllers. */
import { KubeConfig } from '@kubernetes/client-node';
import { inject } from 'vitest';
import { CustomResourceDefinitions } from '../../src/api/core.ts';
import { requestToken } from '../../hack/controlplane/kubeconfig.ts';
import { createKubernetesClient } from '../../src/runtime/client/client.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { contract } from './contract.ts';
import { machineSuite } from './machine.ts';
import { type ContractWorld, eventually, Widgets } from './world.ts';

const definition = {
  metadata: { name: `${Widgets.plural}.${Widgets.group}` },
  spec: {
    group: Widgets.group,
    scope: 'Namespaced',
    names: { plural: Widgets.plural, singular: 'widget', kind: Widgets.kind, listKind: 'WidgetList' },
    versions: [
      {
        name: Widgets.version,
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                required: ['size'],
                properties: {
                  size: { type: 'integer', minimum: 0 },
                  color: { type: 'string', default: 'red', enum: ['red', 'blue'] },
                  note: { type: 'string', nullable: true },
                },
              },
              status: {
                type: 'object',
                nullable: true,
                properties: {
                  phase: { type: 'string', nullable: true },
                  steps: {
                    type: 'array',
                    items: {
                      type: 'object',
                      properties: { id: { type: 'string' }, note: { type: 'string', nullable: true } },
                    },
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
};

async function start(): Promise<ContractWorld> {
  const plane = inject('controlPlane');
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(plane.kubeconfig);
  const port = createKubernetesClient({ kubeConfig, clock: systemClock });
  return {
    port,
    clock: systemClock,
    issueToken: async (wish) => (await requestToken(plane, wish)).token,
    stop: async () => port.close(),
  };
}

async function startWithWidgets(): Promise<ContractWorld> {
  const world = await start();
  await world.port.create(CustomResourceDefinitions, definition);
  await eventually(world, () =>
    world.port.list(Widgets).then(
      () => true as const,
      () => undefined,
    ),
  );
  return world;
}

contract('a real API server', startWithWidgets, true);
machineSuite('a real API server', start);
