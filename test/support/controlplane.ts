/**
 * vitest `globalSetup` of the suites that run against a real API server: one control plane for all of them,
 * started once a run. A suite reads it with `inject('controlPlane')`.
 */
import type { TestProject } from 'vitest/node';
import { locatePrograms } from '../../hack/programs/controlplane.ts';
import { startControlPlane, type ControlPlane } from '../../hack/controlplane/start.ts';

/** What a suite may know of the control plane; plain data, since suites run in other threads. */
export interface SharedControlPlane {
  /** `https://127.0.0.1:PORT`. */
  server: string;
  /** PEM file of its CA. */
  caFile: string;
  /** Bearer token of the group system:masters. */
  token: string;
  /** Path of a kubeconfig with that token. */
  kubeconfig: string;
  /** Path of kubectl of the same version. */
  kubectl: string;
  /** A directory for files of the run; removed with it. */
  dir: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    controlPlane: SharedControlPlane;
  }
}

interface Shared {
  users: number;
  plane: Promise<{ plane: ControlPlane; kubectl: string }>;
}

/** Every vitest project loads this module by itself, so what they share cannot be a variable of it. */
const SLOT = Symbol.for('brupop.test.controlplane');
const slots = globalThis as { [SLOT]?: Shared };

async function start(): Promise<{ plane: ControlPlane; kubectl: string }> {
  const programs = await locatePrograms({ progress: (line) => console.error(line) });
  const plane = await startControlPlane({
    programs,
    controllers: true,
    // Most suites make nodes without kubelets; they are not to be tainted for it.
    controllerManagerFlags: ['--node-monitor-grace-period=1h', '--node-startup-grace-period=1h'],
  });
  return { plane, kubectl: programs.kubectl };
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const shared = (slots[SLOT] ??= { users: 0, plane: start() });
  shared.users++;
  const { plane, kubectl } = await shared.plane;
  const { server, caFile, token, kubeconfig, dir } = plane;
  project.provide('controlPlane', { server, caFile, token, kubeconfig, kubectl, dir });
  return async () => {
    if (--shared.users > 0) return;
    delete slots[SLOT];
    await plane.stop();
  };
}
