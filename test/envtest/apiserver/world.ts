/** A namespace on a real kube-apiserver with the controller's and the API server's own rights, agents' pods and tokens. */
import { KubeConfig } from '@kubernetes/client-node';
import { requestToken } from '../../../hack/controlplane/kubeconfig.ts';
import {
  namespaceRules as apiserverNamespaceRules,
  rules as apiserverRules,
} from '../../../src/apiserver/rbac.ts';
import { Namespaces, Nodes, Pods, ServiceAccounts } from '../../../src/api/core.ts';
import {
  AGENT_SERVICE_ACCOUNT,
  APISERVER_SERVICE_ACCOUNT,
  CONTROLLER_SERVICE_ACCOUNT,
  TOKEN_AUDIENCE,
  shadowName,
} from '../../../src/api/names.ts';
import type { PolicyRule } from '../../../src/api/rbac.ts';
import type { BottlerocketShadow } from '../../../src/api/v2/bottlerocketshadow.ts';
import { BottlerocketShadows } from '../../../src/api/v2/bottlerocketshadow.ts';
import { certificateRules } from '../../../src/controllers/certificates/rbac.ts';
import type { KubernetesClient } from '../../../src/runtime/client/client.ts';
import { createKubernetesClient } from '../../../src/runtime/client/client.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import type { KubeObject, Resource } from '../../../src/runtime/kubernetes.ts';
import type { SharedControlPlane } from '../../support/controlplane.ts';

const rbac = (kind: string, plural: string, namespaced: boolean): Resource => ({
  group: 'rbac.authorization.k8s.io',
  version: 'v1',
  kind,
  plural,
  namespaced,
});
const ClusterRoles = rbac('ClusterRole', 'clusterroles', false);
const ClusterRoleBindings = rbac('ClusterRoleBinding', 'clusterrolebindings', false);
const Roles = rbac('Role', 'roles', true);
const RoleBindings = rbac('RoleBinding', 'rolebindings', true);

/** A client that is whoever the token says. */
export function clientOf(plane: SharedControlPlane, token: string): KubernetesClient {
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromClusterAndUser(
    { name: 'test', server: plane.server, caFile: plane.caFile, skipTLSVerify: false },
    { name: 'test', token },
  );
  return createKubernetesClient({ kubeConfig, clock: systemClock });
}

/** One namespace of the shared control plane. */
export class Installation {
  readonly namespace: string;
  readonly admin: KubernetesClient;
  readonly #plane: SharedControlPlane;
  readonly #clients: KubernetesClient[] = [];

  constructor(plane: SharedControlPlane, namespace: string) {
    this.#plane = plane;
    this.namespace = namespace;
    this.admin = clientOf(plane, plane.token);
    this.#clients.push(this.admin);
  }

  /** Namespace, ServiceAccounts, and the rights that are declared beside the code. */
  async install(): Promise<void> {
    const { admin, namespace } = this;
    await admin.create(Namespaces, { metadata: { name: namespace } });
    for (const name of [AGENT_SERVICE_ACCOUNT, APISERVER_SERVICE_ACCOUNT, CONTROLLER_SERVICE_ACCOUNT]) {
      await admin.create(ServiceAccounts, { metadata: { name, namespace } });
    }
    await this.#grant(APISERVER_SERVICE_ACCOUNT, { rules: apiserverRules, own: apiserverNamespaceRules });
    await this.#grant(CONTROLLER_SERVICE_ACCOUNT, { rules: [], own: certificateRules });
  }

  async remove(nodes: readonly string[]): Promise<void> {
    const { admin, namespace } = this;
    for (const name of nodes) await admin.delete(Nodes, { name });
    await admin.delete(ClusterRoleBindings, { name: `${namespace}-${APISERVER_SERVICE_ACCOUNT}` });
    await admin.delete(ClusterRoles, { name: `${namespace}-${APISERVER_SERVICE_ACCOUNT}` });
    await admin.delete(Namespaces, { name: namespace });
    for (const client of this.#clients) client.close();
  }

  /** A client of one of our processes. */
  async as(serviceAccount: string): Promise<KubernetesClient> {
    const { token } = await requestToken(this.#plane, { namespace: this.namespace, serviceAccount });
    const client = clientOf(this.#plane, token);
    this.#clients.push(client);
    return client;
  }

  /** A Node with its shadow. @returns the UID of the Node. */
  async addNode(name: string): Promise<string> {
    const node = await this.admin.create(Nodes, { metadata: { name } });
    const { uid = '' } = node.metadata;
    await this.addShadow(name, uid);
    return uid;
  }

  addShadow(node: string, uid: string): Promise<BottlerocketShadow> {
    return this.admin.create(BottlerocketShadows, {
      metadata: {
        name: shadowName(node),
        namespace: this.namespace,
        ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: node, uid }],
      },
      spec: { state: 'Idle' },
    });
  }

  /** A pod on a node. @returns its UID. */
  async addPod(options: { name: string; node: string; serviceAccount?: string }): Promise<string> {
    const { name, node, serviceAccount = AGENT_SERVICE_ACCOUNT } = options;
    const pod = await this.admin.create(Pods, {
      metadata: { name, namespace: this.namespace },
      spec: {
        nodeName: node,
        serviceAccountName: serviceAccount,
        containers: [{ name: 'agent', image: 'agent' }],
      },
    });
    return pod.metadata.uid ?? '';
  }

  async token(options: {
    pod?: { name: string; uid: string };
    serviceAccount?: string;
    audience?: string;
  }): Promise<string> {
    const { pod, serviceAccount = AGENT_SERVICE_ACCOUNT, audience = TOKEN_AUDIENCE } = options;
    const { token } = await requestToken(this.#plane, {
      namespace: this.namespace,
      serviceAccount,
      audiences: [audience],
      ...(pod === undefined ? {} : { pod }),
    });
    return token;
  }

  async #grant(
    name: string,
    { rules, own }: { rules: readonly PolicyRule[]; own: readonly PolicyRule[] },
  ): Promise<void> {
    const { admin, namespace } = this;
    const subjects = [{ kind: 'ServiceAccount', name, namespace }];
    const apiGroup = 'rbac.authorization.k8s.io';
    const role = { metadata: { name, namespace }, rules: own };
    await admin.create(Roles, withoutWhy(role));
    const binding = { metadata: { name, namespace }, subjects, roleRef: { apiGroup, kind: 'Role', name } };
    await admin.create(RoleBindings, binding);
    if (rules.length === 0) return;
    const clusterName = `${namespace}-${name}`;
    await admin.create(ClusterRoles, withoutWhy({ metadata: { name: clusterName }, rules }));
    const roleRef = { apiGroup, kind: 'ClusterRole', name: clusterName };
    await admin.create(ClusterRoleBindings, {
      metadata: { name: clusterName },
      subjects,
      roleRef,
    } as KubeObject);
  }
}

const withoutWhy = (role: { metadata: object; rules: readonly PolicyRule[] }): KubeObject =>
  ({ ...role, rules: role.rules.map((rule) => ({ ...rule, why: undefined })) }) as unknown as KubeObject;
