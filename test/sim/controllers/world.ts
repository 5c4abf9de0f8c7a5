/** A cluster with the leader's controllers in it, doubles of kubelets, and agents that do what the test says. */
import { DaemonSets, Namespaces, Nodes, PodDisruptionBudgets, Pods } from '../../../src/api/core.ts';
import type { Node } from '../../../src/api/core.ts';
import { NAMESPACE } from '../../../src/api/names.ts';
import { UpdatePolicies } from '../../../src/api/v1/updatepolicy.ts';
import type { UpdatePolicy, UpdatePolicySpec } from '../../../src/api/v1/updatepolicy.ts';
import { BottlerocketShadows } from '../../../src/api/v2/bottlerocketshadow.ts';
import type { BottlerocketShadow } from '../../../src/api/v2/bottlerocketshadow.ts';
import { lead } from '../../../src/controllers/lead.ts';
import { namespaceRules, rules } from '../../../src/controllers/rbac.ts';
import { silentLogger } from '../../../src/runtime/log.ts';
import type { Logger } from '../../../src/runtime/log.ts';
import { accessByRules } from '../../../src/sim/cluster/call.ts';
import type { SimClient } from '../../../src/sim/cluster/client.ts';
import { SimCluster } from '../../../src/sim/cluster/cluster.ts';
import { VirtualClock } from '../../../src/sim/clock.ts';
import { seededRandom } from '../../../src/sim/random.ts';
import type { DaemonWorkload } from '../../../src/sim/workloads/daemons.ts';
import { KubeletDouble } from '../../../src/sim/workloads/kubelet.ts';
import { startWorkloads } from '../../../src/sim/workloads/world.ts';
import { ScriptedAgent } from './agent.ts';

export const OLD = '1.42.0';
export const NEW = '1.43.0';
/** Thursday. */
export const START = Date.parse('2026-01-01T00:00:00Z');

export interface TestWorldOptions {
  nodes?: number;
  policies?: Record<string, UpdatePolicySpec>;
  startMs?: number;
  logger?: Logger;
  /** Before the leader starts. */
  before?: (world: TestWorld) => void;
}

export class TestWorld {
  readonly clock: VirtualClock;
  readonly cluster: SimCluster;
  readonly agents = new Map<string, ScriptedAgent>();
  readonly kubelets = new Map<string, KubeletDouble>();
  readonly admin: SimClient;
  readonly logger: Logger;
  readonly stop = new AbortController();
  leader: SimClient | undefined;
  /** How often leaders have looked at everything. */
  looks = 0;
  #leading: AbortController | undefined;
  #leaders = 0;

  constructor({ startMs = START, logger = silentLogger }: TestWorldOptions) {
    this.clock = new VirtualClock({ startMs });
    this.logger = logger;
    this.cluster = new SimCluster({ clock: this.clock });
    this.cluster.install(BottlerocketShadows);
    this.cluster.install(UpdatePolicies);
    this.cluster.add(Namespaces, { metadata: { name: NAMESPACE } });
    this.cluster.namespace('shop');
    this.admin = this.cluster.client('admin');
    const agent = { app: 'agent' };
    const daemon: DaemonWorkload = {
      metadata: { name: 'brupop-agent', namespace: NAMESPACE },
      spec: {
        selector: { matchLabels: agent },
        template: {
          metadata: { labels: agent },
          spec: { serviceAccountName: 'brupop-agent', containers: [{ name: 'agent', image: 'brupop' }] },
        },
      },
    };
    this.cluster.add(DaemonSets, daemon);
  }

  static async create(options: TestWorldOptions = {}): Promise<TestWorld> {
    const world = new TestWorld(options);
    startWorkloads(world.cluster, world.stop.signal);
    for (let i = 1; i <= (options.nodes ?? 1); i++) world.addNode(`n${i}`);
    await world.clock.advance(5_000);
    for (const [name, spec] of Object.entries(options.policies ?? {})) world.addPolicy(name, spec);
    options.before?.(world);
    world.lead();
    await world.clock.advance(1_000);
    return world;
  }

  addNode(name: string): void {
    const kubelet = new KubeletDouble({
      port: this.cluster.client(`kubelet-${name}`),
      clock: this.clock,
      nodeName: name,
      bootId: `${name}-boot-1`,
      osImage: `Bottlerocket OS ${OLD} (aws-k8s-1.36)`,
      labels: { 'topology.kubernetes.io/zone': `z${(this.kubelets.size % 3) + 1}` },
    });
    this.kubelets.set(name, kubelet);
    void kubelet.run(this.stop.signal);
    this.agents.set(name, new ScriptedAgent(this, name, this.stop.signal));
  }

  addPolicy(name: string, spec: UpdatePolicySpec): void {
    this.cluster.add(UpdatePolicies, { metadata: { name }, spec });
  }

  /** A leader takes over; a former one must have ended or died. */
  lead(): SimClient {
    const client = this.cluster.client({
      name: `controller-${++this.#leaders}`,
      access: accessByRules(rules, namespaceRules, NAMESPACE),
    });
    const leading = new AbortController();
    this.leader = client;
    this.#leading = leading;
    void lead(
      {
        port: client,
        clock: this.clock,
        random: seededRandom(this.#leaders),
        logger: this.logger,
        namespace: NAMESPACE,
        instance: client.name,
        needsApiserverPods: false,
        onLook: () => {
          this.looks += 1;
        },
      },
      leading.signal,
    );
    return client;
  }

  /** The leader dies between two instants. */
  kill(): void {
    this.leader?.crash();
    this.#leading?.abort();
  }

  node(name = 'n1'): Node {
    return this.cluster.peek(Nodes, { name }) as Node;
  }

  shadow(name = 'n1'): BottlerocketShadow {
    return this.cluster.peek(BottlerocketShadows, {
      namespace: NAMESPACE,
      name: `brs-${name}`,
    }) as BottlerocketShadow;
  }

  policy(name = 'p'): UpdatePolicy {
    return this.cluster.peek(UpdatePolicies, { name }) as UpdatePolicy;
  }

  agent(name = 'n1'): ScriptedAgent {
    return this.agents.get(name) as ScriptedAgent;
  }

  isCordoned(name = 'n1'): boolean {
    return this.node(name)?.spec?.unschedulable === true;
  }

  get cordoned(): string[] {
    return [...this.kubelets.keys()].filter((name) => this.isCordoned(name));
  }

  get updated(): string[] {
    return [...this.agents].filter(([, agent]) => agent.version === NEW).map(([name]) => name);
  }

  reasonOf(name = 'n1'): string | undefined {
    return this.shadow(name)?.status?.update?.reason;
  }

  /** Runs until something holds. @throws when it does not come to hold in time. */
  async until(what: string, holds: () => boolean, limitMs = 3_600_000): Promise<void> {
    if (await this.clock.runUntil(holds, limitMs)) return;
    throw new Error(`"${what}" did not come to hold: ${this.describe()}`);
  }

  /** Everything at rest: nothing in a ledger, every shadow Idle. */
  isQuiet(): boolean {
    const policies = this.cluster.peekAll(UpdatePolicies);
    const shadows = this.cluster.peekAll(BottlerocketShadows);
    return (
      policies.every(({ status }) => (status?.updating ?? []).length === 0) &&
      shadows.every(({ spec, status }) => spec.state === 'Idle' && status?.current_state === 'Idle')
    );
  }

  describe(): string {
    const shadows = this.cluster.peekAll(BottlerocketShadows).map(({ metadata, spec, status }) => ({
      name: metadata.name,
      spec,
      state: status?.current_state,
      update: status?.update,
      error: status?.host?.error,
      generation: [metadata.generation, status?.host?.generation],
    }));
    const policies = this.cluster
      .peekAll(UpdatePolicies)
      .map(({ metadata, status }) => ({ name: metadata.name, status }));
    return JSON.stringify({ at: new Date(this.clock.now()).toISOString(), shadows, policies }, null, 1);
  }

  /** A write of somebody else, done at once. */
  async patchNode(name: string, body: object): Promise<void> {
    const patched = this.admin.patch(Nodes, { name }, body);
    await this.clock.advance(2);
    await patched;
  }

  async patchPolicy(name: string, body: object): Promise<void> {
    const patched = this.admin.patch(UpdatePolicies, { name }, body);
    await this.clock.advance(2);
    await patched;
  }

  async remove(
    resource: typeof Nodes | typeof UpdatePolicies | typeof BottlerocketShadows,
    name: string,
  ): Promise<void> {
    const key = resource.namespaced ? { namespace: NAMESPACE, name } : { name };
    const deleted = this.admin.delete(resource as typeof Nodes, key);
    await this.clock.advance(2);
    await deleted;
  }

  /** A pod of a shop, bound to a node. */
  addPod(name: string, node: string, labels: Record<string, string> = { app: name }): void {
    this.cluster.add(Pods, {
      metadata: { name, namespace: 'shop', labels },
      spec: { nodeName: node, containers: [{ name: 'shop' }] },
    });
  }

  /** A budget that never allows a disruption of these pods. */
  addTightBudget(name: string, app: string): void {
    this.cluster.add(PodDisruptionBudgets, {
      metadata: { name, namespace: 'shop' },
      spec: { selector: { matchLabels: { app } }, minAvailable: 1 },
    });
  }
}
