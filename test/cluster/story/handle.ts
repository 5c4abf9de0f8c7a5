/** A cluster as stories are told of it: what can be asked of it and what can be done to it. */
import type { KubernetesPort } from '../../../src/runtime/kubernetes.ts';
import type { ControlRequest } from '../../../src/sim/host/control.ts';

/** A change of a machine's power. */
export interface PowerEvent {
  /** Milliseconds since the epoch. */
  atMs: number;
  machine: string;
  state: 'off' | 'booting' | 'on' | 'stopping' | 'hung';
}

export type ControlPlaneProgram = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler';

/** See the head of this file. */
export interface ClusterHandle {
  /** Names of the Bottlerocket machines, which are also those of their Nodes. */
  readonly nodes: readonly string[];
  /** With the rights of an administrator. */
  readonly kubernetes: KubernetesPort;
  /** Where the logs are. */
  readonly logDir: string;
  /** @returns its standard output @throws KubectlError */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** `off` is a power cut, `reboot` an orderly one. */
  power(machine: string, to: 'off' | 'on' | 'reboot'): Promise<void>;
  /** Tells of every change of power until the returned function is called. */
  watchPower(listener: (event: PowerEvent) => void): Promise<() => void>;
  /** Asks the simulated host of a machine. @throws Error with the host's words */
  host(machine: string, request: ControlRequest): Promise<unknown>;
  /** Kills a program of the control plane, or starts it again. */
  component(program: ControlPlaneProgram, to: 'away' | 'back'): Promise<void>;
  /** Runs a command on a machine. @returns its standard output @throws CommandError */
  run(machine: string, command: readonly string[]): Promise<string>;
  /** Brings an OCI archive onto every machine. */
  load(archive: string): Promise<void>;
}
