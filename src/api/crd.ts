/** CustomResourceDefinitions of the kinds, as objects; hack/generate writes them to config/crd. */
import type { KubeObject } from '../runtime/kubernetes.ts';
import { CATEGORIES } from './definitions.ts';
import type { KindDefinition } from './definitions.ts';
import { objectSchema } from './structural.ts';
import type { StructuralSchema } from './structural.ts';

interface Version {
  name: string;
  served: boolean;
  storage: boolean;
  deprecated?: boolean;
  additionalPrinterColumns?: readonly unknown[];
  schema: { openAPIV3Schema: StructuralSchema };
  subresources: { status: object };
}

/** apiextensions.k8s.io/v1 CustomResourceDefinition. */
export interface CustomResourceDefinition extends KubeObject {
  spec: {
    group: string;
    scope: 'Cluster' | 'Namespaced';
    names: {
      kind: string;
      listKind: string;
      plural: string;
      singular: string;
      shortNames: readonly string[];
      categories: readonly string[];
    };
    conversion: { strategy: 'None'; webhook?: null };
    versions: readonly Version[];
  };
}

/** A version that is listed only because objects may be stored in it; nobody can ask for it. */
const retired = (kind: KindDefinition, name: string): Version => ({
  name,
  served: false,
  storage: false,
  schema: {
    openAPIV3Schema: {
      description: `${kind.resource.kind} as it was in ${name}; no longer served.`,
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
    },
  },
  subresources: { status: {} },
});

/** The CustomResourceDefinition of a kind. */
export const customResourceDefinition = (kind: KindDefinition): CustomResourceDefinition => {
  const { group, version, plural, kind: name, namespaced } = kind.resource;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      labels: { 'app.kubernetes.io/name': 'brupop', 'app.kubernetes.io/part-of': 'brupop' },
    },
    spec: {
      group,
      scope: namespaced ? 'Namespaced' : 'Cluster',
      names: {
        kind: name,
        listKind: `${name}List`,
        plural,
        singular: kind.singular,
        shortNames: kind.shortNames,
        categories: CATEGORIES,
      },
      // An older CRD converts by a webhook. Only an explicit null takes that away when kubectl did not apply it itself.
      conversion: { strategy: 'None', ...(kind.retiredVersions.length > 0 ? { webhook: null } : {}) },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          additionalPrinterColumns: kind.columns,
          schema: { openAPIV3Schema: objectSchema(kind) },
          subresources: { status: {} },
        },
        ...kind.retiredVersions.map((each) => retired(kind, each)),
      ],
    },
  };
};
