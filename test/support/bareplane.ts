/**
 * vitest `globalSetup` of the differential suite: an API server without any controller, so that between two calls
 * nothing happens by itself. Its kubeconfig is read with `inject('bareKubeconfig')`.
 */
import { readFileSync } from 'node:fs';
import type { TestProject } from 'vitest/node';
import { startControlPlane } from '../../hack/controlplane/start.ts';
import { locatePrograms } from '../../hack/programs/controlplane.ts';
import { installCrds } from './crds.ts';

declare module 'vitest' {
  interface ProvidedContext {
    bareKubeconfig: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const programs = await locatePrograms({ progress: (line) => console.error(line) });
  const plane = await startControlPlane({ programs });
  await installCrds(plane);
  project.provide('bareKubeconfig', readFileSync(plane.kubeconfig, 'utf8'));
  return () => plane.stop();
}
