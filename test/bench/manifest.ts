/** What config/manager sets for a component, so that it is measured as it is deployed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { ROOT } from '../../hack/bundle.ts';

interface Container {
  env?: { name: string; value?: string }[];
}

interface Workload {
  kind: string;
  spec: { template: PodTemplate };
}

/** The pods of a workload, as far as they are the same on every node. */
export interface PodTemplate {
  metadata: { labels: Record<string, string> };
  spec: { containers: [Container, ...Container[]] } & Record<string, unknown>;
}

/** The pod template in a file of config/manager. @throws Error when there is none. */
export function podTemplate(file: 'agent.yaml' | 'apiserver.yaml' | 'controller.yaml'): PodTemplate {
  const text = readFileSync(join(ROOT, 'config', 'manager', file), 'utf8');
  const objects = parseAllDocuments(text).map((document) => document.toJS() as Workload);
  const workload = objects.find(({ kind }) => kind === 'Deployment' || kind === 'DaemonSet');
  if (workload === undefined) throw new Error(`No workload in ${file}`);
  return workload.spec.template;
}

/** Variables with a value of their own: those that tell Node and the allocator how to use memory, among others. */
export const declaredVariables = ({ spec }: PodTemplate): Record<string, string> =>
  Object.fromEntries(
    (spec.containers[0].env ?? []).flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
  );
