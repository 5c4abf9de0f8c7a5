/** A development cluster as those see it that did not start it: tests in other threads, and the one who did. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ControlRequest } from '../../src/sim/host/control.ts';
import type { Endpoint } from '../controlplane/request.ts';
import { askHost } from './hostcontrol.ts';
import { kubectl } from './kubectl.ts';
import { controlOf } from './machine/paths.ts';
import type { Registration } from './machine/process.ts';

const POLL_MS = 200;

/** All there is to know; plain data. */
export interface ClusterFacts {
  endpoint: Endpoint;
  /** Of an administrator. */
  kubeconfig: string;
  /** Path of kubectl of the same version. */
  kubectl: string;
  dir: string;
  /** Process ids of the control plane, by program. */
  pids: Readonly<Record<string, number>>;
  /** Names of the Bottlerocket nodes. */
  nodes: readonly string[];
  /** Port of loopback at which the Service of the operator's API server is reached. */
  servicePort: number;
}

export type Component = 'agent' | 'controller' | 'apiserver';

export const machineDir = (dir: string, node: string): string => join(dir, 'machines', node);
export const registryDir = (dir: string): string => join(dir, 'registry');
export const logDir = (dir: string): string => join(dir, 'logs');

/** See the head of this file. */
export class DevCluster {
  readonly facts: ClusterFacts;

  constructor(facts: ClusterFacts) {
    this.facts = facts;
  }

  get nodes(): readonly string[] {
    return this.facts.nodes;
  }

  /** Directory with a log for each machine and each pod of the operator. */
  get logDir(): string {
    return logDir(this.facts.dir);
  }

  /** kubectl with the rights of an administrator. @returns its standard output @throws KubectlError */
  kubectl(args: readonly string[], input?: string): Promise<string> {
    return kubectl(this.facts, args, input);
  }

  /** Asks the simulated host of a node: faults, releases, power. @throws Error with the host's words */
  host(node: string, request: ControlRequest): Promise<unknown> {
    return askHost(controlOf(machineDir(this.facts.dir, node)), request);
  }

  /** The operator's processes that run now. */
  processes(component?: Component): Registration[] {
    const dir = registryDir(this.facts.dir);
    const all = readdirSync(dir)
      .filter((name) => name.endsWith('.json'))
      .flatMap((name) => readRegistration(join(dir, name)));
    return component === undefined ? all : all.filter((each) => each.component === component);
  }

  /** Waits until `ready`. @throws Error after the time, naming what did not happen and where the logs are */
  async waitFor(what: string, ready: () => boolean | Promise<boolean>, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (!(await ready())) {
      if (performance.now() > deadline) {
        throw new Error(`Not so after ${timeoutMs} ms: ${what}. The logs are in ${this.logDir}`);
      }
      await delay(POLL_MS);
    }
  }
}

/** A file that is just being written, or was removed, is none. */
function readRegistration(path: string): Registration[] {
  try {
    return [JSON.parse(readFileSync(path, 'utf8')) as Registration];
  } catch {
    return [];
  }
}
