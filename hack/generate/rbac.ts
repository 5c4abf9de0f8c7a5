/** config/rbac: roles from the rules that are declared beside the code. The agent is bound to nothing. */
import { Document, isMap, isSeq } from 'yaml';
import { APISERVER_SERVICE_ACCOUNT, CONTROLLER_SERVICE_ACCOUNT, NAMESPACE } from '../../src/api/names.ts';
import type { PolicyRule } from '../../src/api/rbac.ts';
import {
  namespaceRules as apiserverNamespaceRules,
  rules as apiserverRules,
} from '../../src/apiserver/rbac.ts';
import {
  namespaceRules as controllerNamespaceRules,
  rules as controllerRules,
} from '../../src/controllers/rbac.ts';
import { yamlFile } from './yaml.ts';

/** What one ServiceAccount may do. */
export interface Grant {
  serviceAccount: string;
  component: string;
  /** In the whole cluster. */
  rules: readonly PolicyRule[];
  /** In the operator's namespace. */
  namespaceRules: readonly PolicyRule[];
}

/** Every ServiceAccount that is bound to anything. */
export const GRANTS: readonly Grant[] = [
  {
    serviceAccount: CONTROLLER_SERVICE_ACCOUNT,
    component: 'controller',
    rules: controllerRules,
    namespaceRules: controllerNamespaceRules,
  },
  {
    serviceAccount: APISERVER_SERVICE_ACCOUNT,
    component: 'apiserver',
    rules: apiserverRules,
    namespaceRules: apiserverNamespaceRules,
  },
];

const API_GROUP = 'rbac.authorization.k8s.io';

const plain = ({ apiGroups, resources, resourceNames, verbs }: PolicyRule): object => ({
  apiGroups,
  resources,
  ...(resourceNames === undefined ? {} : { resourceNames }),
  verbs,
});

/** A role whose rules say, each in a comment, what the code does with them. */
const role = (head: object, rules: readonly PolicyRule[]): string => {
  const document = new Document({ ...head, rules: rules.map(plain) }, { aliasDuplicateObjects: false });
  const list = document.get('rules');
  if (!isSeq(list)) throw new TypeError('A role has a list of rules');
  for (const [index, item] of list.items.entries()) {
    if (!isMap(item)) throw new TypeError('A rule is a map');
    item.commentBefore = ` ${rules[index]?.why ?? ''}`;
  }
  return document.toString({ lineWidth: 110 });
};

const documentsOf = ({ serviceAccount, component, rules, namespaceRules }: Grant): string[] => {
  const labels = {
    'app.kubernetes.io/name': 'brupop',
    'app.kubernetes.io/part-of': 'brupop',
    'app.kubernetes.io/component': component,
  };
  const roles: [string, object, readonly PolicyRule[]][] = [
    ['ClusterRole', { name: serviceAccount, labels }, rules],
    ['Role', { name: serviceAccount, namespace: NAMESPACE, labels }, namespaceRules],
  ];
  return roles
    .filter(([, , each]) => each.length > 0)
    .flatMap(([kind, metadata, each]) => [
      role({ apiVersion: `${API_GROUP}/v1`, kind, metadata }, each),
      new Document({
        apiVersion: `${API_GROUP}/v1`,
        kind: `${kind}Binding`,
        metadata,
        roleRef: { apiGroup: API_GROUP, kind, name: serviceAccount },
        subjects: [{ kind: 'ServiceAccount', name: serviceAccount, namespace: NAMESPACE }],
      }).toString(),
    ]);
};

/** Files of config/rbac. */
export const rbacFiles = (grants: readonly Grant[]): [string, string][] =>
  grants.map((grant) => [`config/rbac/${grant.component}.generated.yaml`, yamlFile(documentsOf(grant))]);
