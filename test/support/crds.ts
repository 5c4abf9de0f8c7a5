/** The CRDs of config/crd in a test control plane. */
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { parse } from 'yaml';
import type { CustomResourceDefinition } from '../../src/api/crd.ts';
import { ask, askFor } from '../../hack/controlplane/request.ts';
import type { Endpoint } from '../../hack/controlplane/request.ts';

const FOLDER = fileURLToPath(new URL('../../config/crd/', import.meta.url));
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const DEADLINE_MS = 20_000;

/** The CRDs as they are committed. */
export const committedCrds = (): CustomResourceDefinition[] =>
  readdirSync(FOLDER)
    .filter((name) => name.endsWith('.yaml') && name !== 'kustomization.yaml')
    .map((name) => parse(readFileSync(`${FOLDER}${name}`, 'utf8')) as CustomResourceDefinition);

/** Applies a CRD and waits until its storage version is served. May be called again and from several suites at once. */
export const applyCrd = async (endpoint: Endpoint, crd: CustomResourceDefinition): Promise<void> => {
  const { group, names, versions } = crd.spec;
  await askFor(endpoint, {
    method: 'PATCH',
    path: `${CRDS}/${crd.metadata.name}?fieldManager=test&force=true`,
    body: crd,
    contentType: 'application/apply-patch+yaml',
  });
  const version = versions.find(({ storage }) => storage)?.name ?? '';
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    const { status } = await ask(endpoint, { path: `/apis/${group}/${version}/${names.plural}?limit=1` });
    if (status === 200) return;
    if (performance.now() > deadline) throw new Error(`${crd.metadata.name} is not served: ${status}`);
    await delay(50);
  }
};

/** Applies all CRDs of config/crd. */
export const installCrds = async (endpoint: Endpoint): Promise<void> => {
  for (const crd of committedCrds()) await applyCrd(endpoint, crd);
};
