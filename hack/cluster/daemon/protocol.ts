/**
 * What the daemon of a cluster is asked, and what it answers: one JSON value a line on a unix socket. One request a
 * connection, answered by any number of lines of progress and then one reply.
 */
import type { ControlRequest } from '../../../src/sim/host/control.ts';
import type { Component } from '../../controlplane/start.ts';
import type { MachineState, Service } from '../machine/config.ts';

export type DaemonRequest =
  /** Replies when the cluster is ready, with the progress so far and from then on. */
  | { do: 'ready' }
  | { do: 'status' }
  /** Every machine as it is, then each change, until the connection is closed. */
  | { do: 'watch' }
  /** Into the containerd of every machine that is on, and of the others when they come up. */
  | { do: 'load'; archive: string }
  | { do: 'power'; machine: string; to: 'off' | 'on' | 'reboot' }
  /** Asks the simulated host of a machine. */
  | { do: 'host'; machine: string; request: ControlRequest }
  /** The command line that runs `command` on a machine, for somebody who is in the outer namespaces. */
  | { do: 'enter'; machine: string; command: readonly string[] }
  | { do: 'log'; machine: string; service: Service }
  /** Kills a program of the control plane, or starts it again. */
  | { do: 'component'; component: Component; to: 'away' | 'back' }
  /** After the reply the connection is one to that address in the cluster. */
  | { do: 'connect'; host: string; port: number };

export type DaemonLine =
  | { progress: string }
  | { event: MachineEvent }
  | { reply: 'ok'; value?: unknown }
  | { reply: 'error'; message: string };

/** What happened to a machine. */
export interface MachineEvent {
  /** Milliseconds since 1970. */
  at: number;
  machine: string;
  state: MachineState;
  bootId: string;
  /** Of Bottlerocket; undefined for an ordinary machine. */
  version?: string;
  /** With `off`: why nobody had to switch it off. */
  error?: string;
}

export interface MachineStatus {
  name: string;
  state: MachineState;
  /** Of Bottlerocket; undefined for an ordinary machine. */
  version?: string;
  bootId: string;
  /** Condition Ready of its Node; undefined when kube-apiserver does not answer or has no such Node. */
  ready?: boolean;
}

export interface ClusterStatus {
  name: string;
  /** `starting` until it is ready for the first time. */
  state: 'starting' | 'ready';
  machines: MachineStatus[];
  /** Process ids, inside, of the programs of the control plane that run, CoreDNS among them. */
  components: Record<string, number>;
}
