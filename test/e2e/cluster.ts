/** The cluster of the e2e suite in the words of its tests. */
import { inject } from 'vitest';
import { DevCluster } from '../../hack/dev/cluster.ts';
import { Leases, type Node, Nodes } from '../../src/api/core.ts';
import { GROUP, MARKS_ANNOTATION, NAMESPACE } from '../../src/api/names.ts';
import { UpdatePolicies, type UpdatePolicy, type UpdatePolicySpec } from '../../src/api/v1/updatepolicy.ts';
import { BottlerocketShadows, type BottlerocketShadow } from '../../src/api/v2/bottlerocketshadow.ts';
import { createKubernetesClient, type KubernetesClient } from '../../src/runtime/client/client.ts';
import { kubeConfigLoader } from '../../src/runtime/client/credentials.ts';
import { systemClock } from '../../src/runtime/clock.ts';
import { isKubernetesError } from '../../src/runtime/kubernetes.ts';

export const VARIANT = 'aws-k8s-1.36';
export const ARCH = 'x86_64';

/** Waits no longer than it has to, apart from what the protocol itself prescribes. */
const QUICK: UpdatePolicySpec = {
  minRemaining: '0s',
  health: { stableFor: '0s' },
  drain: { timeout: '3m' },
  timeouts: { stage: '2m', reboot: '2m', verify: '2m' },
};

export class TestCluster extends DevCluster {
  readonly kubernetes: KubernetesClient = createKubernetesClient({
    kubeConfig: kubeConfigLoader({ file: this.facts.kubeconfig }),
    clock: systemClock,
  });

  /** The shadows by node. */
  async shadows(): Promise<Map<string, BottlerocketShadow>> {
    const { items } = await this.kubernetes.list(BottlerocketShadows, { namespace: NAMESPACE });
    return new Map(items.map((shadow) => [shadow.metadata.name.replace(/^brs-/, ''), shadow]));
  }

  /** What each node runs, by its agent's word. */
  async versions(): Promise<Record<string, string | null | undefined>> {
    const shadows = await this.shadows();
    return Object.fromEntries(this.nodes.map((node) => [node, shadows.get(node)?.status?.current_version]));
  }

  /** The Bottlerocket nodes. */
  async bottlerocketNodes(): Promise<Node[]> {
    const { items } = await this.kubernetes.list(Nodes);
    return items.filter(({ metadata }) => this.nodes.includes(metadata.name));
  }

  async policy(name: string): Promise<UpdatePolicy | undefined> {
    try {
      return await this.kubernetes.get(UpdatePolicies, { name });
    } catch (error) {
      if (isKubernetesError(error, 'notFound')) return undefined;
      throw error;
    }
  }

  /** Applies a policy for all nodes that waits for nothing, with these fields beside. */
  async applyPolicy(name: string, spec: UpdatePolicySpec = {}): Promise<void> {
    const policy = {
      apiVersion: `${GROUP}/v1`,
      kind: 'UpdatePolicy',
      metadata: { name },
      spec: { ...QUICK, ...spec },
    };
    await this.kubectl(['apply', '-f', '-'], JSON.stringify(policy));
  }

  /** Deletes a policy and waits until nothing of it is left. */
  async deletePolicy(name: string): Promise<void> {
    await this.kubectl(['delete', 'upol', name, '--ignore-not-found', '--timeout=60s']);
  }

  /** Offers the next minor release to every host. @returns its version */
  async publishNext(): Promise<string> {
    const running = Object.values(await this.versions());
    const minors = running.map((version) => Number(version?.split('.')[1] ?? 0));
    const version = `1.${Math.max(...minors) + 1}.0`;
    const release = { arch: ARCH, variant: VARIANT, version };
    for (const node of this.nodes) await this.host(node, { do: 'publish', release });
    return version;
  }

  /** Waits until every node runs `version` and nothing is in flight. */
  async updatedTo(version: string, timeoutMs: number): Promise<void> {
    await this.waitFor(
      `every node runs ${version}`,
      async () => {
        const shadows = [...(await this.shadows()).values()];
        return (
          shadows.length === this.nodes.length &&
          shadows.every(({ spec, status }) => spec.state === 'Idle' && status?.current_version === version)
        );
      },
      timeoutMs,
    );
  }

  /** Waits until no node carries a mark of the operator, and none is cordoned. */
  async quiet(timeoutMs = 20_000): Promise<void> {
    await this.waitFor(
      'no node is cordoned or marked',
      async () => !(await this.bottlerocketNodes()).some(isMarked),
      timeoutMs,
    );
  }

  /** Identity of the controller that leads: its pod's name and a number of its process. */
  async leader(): Promise<string> {
    const lease = await this.kubernetes.get(Leases, { name: 'brupop-controller', namespace: NAMESPACE });
    return lease.spec?.holderIdentity ?? '';
  }
}

/** Our automatic label is a mark too, and stays for the life of the node. */
const hasCordonMark = (marks: string | undefined): boolean => marks?.includes('cordon') ?? false;

const isMarked = ({ metadata, spec }: Node): boolean =>
  spec?.unschedulable === true || hasCordonMark(metadata.annotations?.[MARKS_ANNOTATION]);

/** The cluster that the suite's setup started. */
export const testCluster = (): TestCluster => new TestCluster(inject('cluster'));
