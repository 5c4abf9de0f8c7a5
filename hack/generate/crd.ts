/** config/crd. */
import { customResourceDefinition } from '../../src/api/crd.ts';
import type { KindDefinition } from '../../src/api/definitions.ts';
import { yamlFile } from './yaml.ts';

/** Path of the CRD of a kind. */
export const crdPath = ({ resource }: KindDefinition): string =>
  `config/crd/${resource.group}_${resource.plural}.yaml`;

/** Files of config/crd. */
export const crdFiles = (kinds: readonly KindDefinition[]): [string, string][] =>
  kinds.map((kind) => [crdPath(kind), yamlFile([customResourceDefinition(kind)])]);
