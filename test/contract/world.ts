/** What a contract suite needs of the cluster under it, simulated or real. */
import { expect } from 'vitest';
import type { Pod } from '../../src/api/core.ts';
import { Namespaces, Nodes, Pods, ServiceAccounts } from '../../src/api/core.ts';
import type { Clock } from '../../src/runtime/clock.ts';
import {
  KubernetesError,
  type KubernetesErrorCode,
  type KubeObject,
  type KubernetesPort,
  type Resource,
  type WatchEvent,
} from '../../src/runtime/kubernetes.ts';

/** A small custom resource with a status subresource. */
export interface Widget extends KubeObject {
  spec?: { size?: number; color?: string; note?: string | null };
  status?: { phase?: string | null; steps?: { id: string; note?: string | null }[] } | null;
}

export const Widgets: Resource<Widget> = {
  group: 'contract.brupop.test',
  version: 'v1',
  plural: 'widgets',
  kind: 'Widget',
  namespaced: true,
};

export interface TokenWish {
  namespace: string;
  serviceAccount: string;
  audiences: string[];
  pod?: { name: string; uid: string };
}

export interface ContractWorld {
  readonly port: KubernetesPort;
  readonly clock: Clock;
  issueToken(wish: TokenWish): Promise<string>;
  /** Only where the past can be made to be forgotten. */
  compact?: () => void;
  stop(): Promise<void>;
}

/** Makes the names of one run differ from those of another. */
let counter = 0;
export const fresh = (prefix: string): string => `${prefix}-${process.pid.toString(36)}-${++counter}`;

/** The error that a call ends with. @throws when it ends well */
export async function failure(call: Promise<unknown>): Promise<KubernetesError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof KubernetesError) return error;
    throw error;
  }
  throw new Error('The call was expected to fail');
}

export const expectFailure = async (
  call: Promise<unknown>,
  code: KubernetesErrorCode,
): Promise<KubernetesError> => {
  const error = await failure(call);
  expect({ code: error.code, message: error.message }).toMatchObject({ code });
  return error;
};

/** The garbage collector learns of new kinds every 30 s. */
const PATIENCE_MS = 50_000;

/** Asks again until the answer is there. @throws when it does not come within 50 s */
export async function eventually<T>(world: ContractWorld, ask: () => Promise<T | undefined>): Promise<T> {
  const untilMs = world.clock.monotonic() + PATIENCE_MS;
  while (world.clock.monotonic() < untilMs) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await world.clock.sleep(50);
  }
  throw new Error('It did not come to pass in time');
}

/** Until the object is gone. */
export const gone = <T extends KubeObject>(
  world: ContractWorld,
  resource: Resource<T>,
  key: { name: string; namespace?: string },
): Promise<true> =>
  eventually(world, () =>
    world.port.get(resource, key).then(
      () => undefined,
      (error: KubernetesError) => {
        if (error.code !== 'notFound') throw error;
        return true as const;
      },
    ),
  );

/** A namespace of its own, with the account that pods run as. */
export async function namespace({ port }: ContractWorld): Promise<string> {
  const name = fresh('contract');
  await port.create(Namespaces, { metadata: { name } });
  const account = { metadata: { name: 'default', namespace: name } };
  await port.create(ServiceAccounts, account).catch((error: KubernetesError) => {
    if (error.code !== 'alreadyExists') throw error;
  });
  return name;
}

export async function node({ port }: ContractWorld): Promise<string> {
  const name = fresh('node');
  await port.create(Nodes, { metadata: { name } });
  return name;
}

export interface PodWish {
  namespace: string;
  name?: string;
  /** Bound to it. @default bound to none, and to stay so */
  nodeName?: string;
  labels?: Record<string, string>;
  /** @default default */
  serviceAccountName?: string;
  /** @default Pending */
  phase?: 'Running' | 'Succeeded';
  /** @default true for Running */
  ready?: boolean;
  ownerReferences?: NonNullable<Pod['metadata']['ownerReferences']>;
}

export async function pod(
  { port }: ContractWorld,
  wish: PodWish,
): Promise<Pod & { metadata: { uid: string } }> {
  const { namespace: inNamespace, name = fresh('pod'), nodeName, phase, ready = phase === 'Running' } = wish;
  const key = { name, namespace: inNamespace };
  const created = await port.create(Pods, {
    metadata: {
      ...key,
      labels: wish.labels ?? {},
      ...(wish.ownerReferences !== undefined && { ownerReferences: wish.ownerReferences }),
    },
    spec: {
      containers: [{ name: 'main', image: 'none' }],
      serviceAccountName: wish.serviceAccountName ?? 'default',
      ...(nodeName === undefined ? { nodeSelector: { 'contract.brupop.test/none': 'true' } } : { nodeName }),
    },
  });
  const shown =
    phase === undefined
      ? created
      : await port.patch(
          Pods,
          key,
          { status: { phase, conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] } },
          { subresource: 'status' },
        );
  return shown as Pod & { metadata: { uid: string } };
}

/** Events until `enough` says so, or 20 s have passed. */
export async function collect<T extends KubeObject>(
  world: ContractWorld,
  options: {
    resource: Resource<T>;
    from: string;
    selection?: { namespace?: string; labelSelector?: string; fieldSelector?: string };
    timeoutSeconds?: number;
    onOpen?: () => void;
  },
  enough: (events: WatchEvent<T>[]) => boolean,
): Promise<WatchEvent<T>[]> {
  const stop = new AbortController();
  const limit = new AbortController();
  void world.clock.sleep(20_000, limit.signal).then(
    () => stop.abort(),
    () => undefined,
  );
  const events: WatchEvent<T>[] = [];
  const watch = world.port.watch(options.resource, {
    ...options.selection,
    resourceVersion: options.from,
    signal: stop.signal,
    ...(options.timeoutSeconds !== undefined && { timeoutSeconds: options.timeoutSeconds }),
    ...(options.onOpen !== undefined && { onOpen: options.onOpen }),
  });
  for await (const event of watch) {
    events.push(event);
    if (enough(events)) break;
  }
  limit.abort();
  return events;
}

/** Events in a few words: `ADDED a`, `BOOKMARK`. */
export const told = <T extends KubeObject>(events: readonly WatchEvent<T>[]): string[] =>
  events.map((event) =>
    event.type === 'BOOKMARK' ? 'BOOKMARK' : `${event.type} ${event.object.metadata.name}`,
  );
