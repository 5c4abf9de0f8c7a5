/** Our CRD over the one of Brupop 1.x, on an API server of its own: no other suite may see the old CRD. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CustomResourceDefinition } from '../../../src/api/crd.ts';
import { locatePrograms } from '../../../hack/programs/controlplane.ts';
import { ask, askFor } from '../../../hack/controlplane/request.ts';
import { startControlPlane } from '../../../hack/controlplane/start.ts';
import type { ControlPlane } from '../../../hack/controlplane/start.ts';
import { BRUPOP_CRD, BRUPOP_SHADOW } from './brupop.ts';

const OURS = fileURLToPath(
  new URL('../../../config/crd/brupop.bottlerocket.aws_bottlerocketshadows.yaml', import.meta.url),
);
const CRDS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const CRD = `${CRDS}/${BRUPOP_CRD.metadata.name}`;
const SHADOWS = '/apis/brupop.bottlerocket.aws/v2/namespaces/default/bottlerocketshadows';
const SHADOW = `${SHADOWS}/${BRUPOP_SHADOW.metadata.name}`;

let plane: ControlPlane;
let kubectlPath: string;
const dir = mkdtempSync(join(tmpdir(), 'migration-'));
const brupopFile = join(dir, 'brupop.json');

const kubectl = (...args: string[]): string =>
  execFileSync(kubectlPath, ['--kubeconfig', plane.kubeconfig, ...args], { encoding: 'utf8' });

const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await holds()) return;
    await delay(50);
  }
  throw new Error(`Never: ${what}`);
};

const served = async (): Promise<boolean> => (await ask(plane, { path: SHADOWS })).status === 200;

beforeAll(async () => {
  const programs = await locatePrograms({ progress: (line) => console.error(line) });
  kubectlPath = programs.kubectl;
  plane = await startControlPlane({ programs });
  writeFileSync(brupopFile, JSON.stringify(BRUPOP_CRD));
});

afterAll(async () => {
  await plane.stop();
  rmSync(dir, { recursive: true });
});

/** How a CRD came into the cluster decides what kubectl knows of it when it applies ours. */
const INSTALLS = {
  'kubectl apply': () => kubectl('apply', '-f', brupopFile),
  'kubectl create': () => kubectl('create', '-f', brupopFile),
  'helm (server-side, another manager)': () =>
    kubectl('apply', '--server-side', '--field-manager=helm', '-f', brupopFile),
};

/** Server-side apply keeps what another manager set, the webhook too: it has to be taken away first. */
const WITHOUT_WEBHOOK = '{"spec":{"conversion":{"strategy":"None","webhook":null}}}';

const UPGRADES = {
  'kubectl apply': [['apply', '-f', OURS]],
  'kubectl patch and kubectl apply --server-side': [
    ['patch', 'crd', BRUPOP_CRD.metadata.name, '--type=merge', '-p', WITHOUT_WEBHOOK],
    ['apply', '--server-side', '--force-conflicts', '-f', OURS],
  ],
};

describe.each(Object.entries(INSTALLS))('a CRD of Brupop from %s', (_, install) => {
  beforeEach(async () => {
    install();
    await until('the CRD of Brupop is served', served);
    await askFor(plane, { method: 'POST', path: SHADOWS, body: BRUPOP_SHADOW });
    await askFor(plane, {
      method: 'PATCH',
      path: `${SHADOW}/status`,
      body: { status: BRUPOP_SHADOW.status },
      contentType: 'application/merge-patch+json',
    });
  });

  afterEach(async () => {
    await ask(plane, { method: 'DELETE', path: CRD });
    await until('the CRD is gone', async () => (await ask(plane, { path: CRD })).status === 404);
  });

  it.each(Object.entries(UPGRADES))('gives way to ours by %s', async (__, commands) => {
    for (const args of commands) kubectl(...args);

    const { spec } = await askFor<CustomResourceDefinition>(plane, { path: CRD });
    expect(spec.conversion).toEqual({ strategy: 'None' });
    expect(spec.versions.map(({ name, served: isServed, storage }) => [name, isServed, storage])).toEqual([
      ['v2', true, true],
      ['v1', false, false],
    ]);

    const old = await askFor<typeof BRUPOP_SHADOW>(plane, { path: SHADOW });
    expect(old.spec).toEqual(BRUPOP_SHADOW.spec);
    expect(old.status).toEqual(BRUPOP_SHADOW.status);

    await until('our fields are known', async () => {
      const answer = await ask(plane, {
        method: 'PATCH',
        path: SHADOW,
        body: { spec: { state: 'Idle', version: null, attempt: 1 } },
        contentType: 'application/merge-patch+json',
      });
      expect(answer.status, answer.body).toBe(200);
      return answer.body.includes('"attempt":1');
    });
    const patched = await askFor<{ spec: object }>(plane, { path: SHADOW });
    expect(patched.spec).toMatchObject({ state: 'Idle', attempt: 1 });
  });
});
