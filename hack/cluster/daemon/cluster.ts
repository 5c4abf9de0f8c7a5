/** A cluster from the inside: brings it up in order, and carries out what is asked of it. */
import { constants } from 'node:fs';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { askFor } from '../../controlplane/request.ts';
import type { Component } from '../../controlplane/start.ts';
import { Supervisor } from '../../process/supervisor.ts';
import { ClusterCgroups } from '../cgroups/cgroups.ts';
import { startDns } from '../dns/coredns.ts';
import { machineAddress, NETWORK, paths, podCidr } from '../layout.ts';
import type { MachineConfig, MachineSurroundings } from '../machine/config.ts';
import { Machine, type MachineChange } from '../machine/machine.ts';
import { attach, makeBridge } from '../network/bridge.ts';
import type { ClusterSpec, MachineSpec } from '../spec.ts';
import { startPlane, type Plane } from './controlplane.ts';
import { createObjects } from './objects.ts';
import type { ClusterStatus, MachineEvent, MachineStatus } from './protocol.ts';
import { reasonOf } from './reason.ts';

const NODES_TIMEOUT_MS = 120_000;
const POLL_MS = 250;
const STATUS_TIMEOUT_MS = 2000;

interface NodeList {
  items: { metadata: { name: string }; status: { conditions?: { type: string; status: string }[] } }[];
}

/** Something was asked that cannot be done; the message goes back to whoever asked. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  /** `noMachine`: no machine has that name. `starting`: there is no control plane yet. `notReady`: it took too long. */
  readonly code: 'noMachine' | 'starting' | 'notReady';

  constructor(code: ClusterError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

const eventOf = (machine: string, { state, bootId, version, error }: MachineChange): MachineEvent => ({
  at: Date.now(),
  machine,
  state,
  bootId,
  ...(version === undefined ? {} : { version }),
  ...(error === undefined ? {} : { error: reasonOf(error) }),
});

/** See the head of this file. */
export class Cluster {
  readonly #spec: ClusterSpec;
  readonly #progress: (line: string) => void;
  readonly #supervisor = new Supervisor();
  readonly #machines = new Map<string, Machine>();
  /** Archives that machines get at every power-on; the machines share this list. */
  readonly #images: string[] = [];
  /** How many archives have been kept; part of their names. */
  #kept = 0;
  readonly #listeners = new Set<(event: MachineEvent) => void>();
  #plane: Plane | undefined;
  #ready = false;

  /** @param progress receives one line at a time while it comes up */
  constructor(spec: ClusterSpec, progress: (line: string) => void) {
    this.#spec = spec;
    this.#progress = progress;
  }

  /** Resolves when every machine is Ready. @throws Error with the cause */
  async start(): Promise<void> {
    const { machines, programs, dir, images } = this.#spec;
    const at = paths(dir);
    for (const archive of images) await this.#keep(archive);
    this.#progress('Starting the control plane');
    await makeBridge(machines);
    const plane = await startPlane(this.#spec);
    this.#plane = plane;
    await createObjects(plane.controlPlane);
    const endpoint = { ...plane.controlPlane, token: plane.dnsToken };
    const dns = startDns({
      supervisor: this.#supervisor,
      coredns: programs.coredns,
      dir: at.dns,
      logFile: join(at.logs, 'coredns.log'),
      endpoint,
    });
    this.#progress(`Starting ${machines.length === 1 ? '1 machine' : `${machines.length} machines`}`);
    await Promise.all([dns, this.#startMachines(plane)]);
    this.#progress('Waiting until every machine is Ready');
    await this.#untilNodesReady();
    this.#ready = true;
  }

  async status(): Promise<ClusterStatus> {
    const ready = await this.#readiness();
    const machines = [...this.#machines.values()].map((machine): MachineStatus => {
      const { version } = machine;
      const isReady = ready.get(machine.config.name);
      return {
        name: machine.config.name,
        state: machine.state,
        bootId: machine.bootId,
        ...(version === undefined ? {} : { version }),
        ...(isReady === undefined ? {} : { ready: isReady }),
      };
    });
    return {
      name: this.#spec.name,
      state: this.#ready ? 'ready' : 'starting',
      machines,
      components: { ...this.#plane?.controlPlane.pids, ...this.#ownPids() },
    };
  }

  /** Tells `listener` how every machine is, and then of each change. @returns how to stop that */
  watch(listener: (event: MachineEvent) => void): () => void {
    for (const { state, bootId, version, config } of this.#machines.values()) {
      listener(eventOf(config.name, { state, bootId, version }));
    }
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** @throws ClusterError `noMachine` */
  machine(name: string): Machine {
    const machine = this.#machines.get(name);
    if (machine !== undefined) return machine;
    const known = this.#spec.machines.map((each) => each.name).join(', ');
    throw new ClusterError('noMachine', `No machine is called ${name}; there are ${known}.`);
  }

  /** Into every machine: at once where there is power, else when it comes. */
  async load(archive: string): Promise<void> {
    const kept = await this.#keep(archive);
    const powered = [...this.#machines.values()].filter(({ state }) => state !== 'off');
    try {
      await Promise.all(powered.map((machine) => machine.load(kept)));
    } catch (error) {
      // With an archive that cannot be imported no machine would come up again.
      this.#images.splice(this.#images.indexOf(kept), 1);
      await rm(kept, { force: true });
      throw error;
    }
  }

  /** Kills a program of the control plane, or starts it again. @throws ClusterError `starting` */
  async component(component: Component, to: 'away' | 'back'): Promise<void> {
    if (this.#plane === undefined) throw new ClusterError('starting', 'The control plane is not up yet.');
    const { controlPlane } = this.#plane;
    await (to === 'away' ? controlPlane.kill(component) : controlPlane.revive(component));
  }

  /** Copies an archive, so that it is there at every power-on. @returns where it is */
  async #keep(archive: string): Promise<string> {
    const { images } = paths(this.#spec.dir);
    const kept = join(images, `${++this.#kept}-${basename(archive)}`);
    await mkdir(images, { recursive: true });
    await copyFile(archive, kept, constants.COPYFILE_FICLONE);
    this.#images.push(kept);
    return kept;
  }

  async #startMachines(plane: Plane): Promise<void> {
    const cgroups = await ClusterCgroups.open(this.#spec.name);
    for (const spec of this.#spec.machines) {
      const { name, index } = spec;
      const surroundings: MachineSurroundings = {
        attach: (pid) => attach(pid, index, this.#spec.machines),
        prepareCgroup: () => cgroups.prepare(name),
        emptyCgroup: () => cgroups.empty(name),
      };
      const machine = new Machine(this.#configOf(spec, plane), surroundings);
      machine.onChange((change) => {
        for (const listener of this.#listeners) listener(eventOf(name, change));
      });
      this.#machines.set(name, machine);
    }
    await Promise.all([...this.#machines.values()].map((machine) => machine.powerOn()));
  }

  #configOf({ name, index, labels, taints, host }: MachineSpec, plane: Plane): MachineConfig {
    const { gateway, prefixLength, clusterCidr, dnsAddress, dnsDomain } = NETWORK;
    const { server, caFile } = plane.controlPlane;
    return {
      cluster: this.#spec.name,
      name,
      index,
      dir: paths(this.#spec.dir).machine(name),
      network: {
        address: machineAddress(index),
        gateway,
        prefixLength,
        podCidr: podCidr(index),
        clusterCidr,
      },
      server,
      caFile,
      kubeletClientCaFile: plane.kubeletClientCaFile,
      tokens: { kubelet: plane.kubeletTokens.get(name) ?? '', kubeProxy: plane.kubeProxyToken },
      dns: { address: dnsAddress, domain: dnsDomain },
      programs: this.#spec.programs.machine,
      labels,
      taints,
      images: this.#images,
      ...(host === undefined ? {} : { host }),
    };
  }

  /** Of what runs beside the control plane. */
  #ownPids(): Record<string, number> {
    return Object.fromEntries(this.#supervisor.running.map(({ name, pid }) => [name, pid]));
  }

  /** Whether the Node of each machine is Ready; nothing about those of which it is not known. */
  async #readiness(): Promise<Map<string, boolean>> {
    if (this.#plane === undefined) return new Map();
    const request = { path: '/api/v1/nodes', timeoutMs: STATUS_TIMEOUT_MS };
    const nodes = await askFor<NodeList>(this.#plane.controlPlane, request).catch(() => ({ items: [] }));
    return new Map(
      nodes.items.map(({ metadata, status }) => [
        metadata.name,
        status.conditions?.find(({ type }) => type === 'Ready')?.status === 'True',
      ]),
    );
  }

  /** @throws ClusterError `notReady`, naming the machines that are not and their logs */
  async #untilNodesReady(): Promise<void> {
    const deadline = performance.now() + NODES_TIMEOUT_MS;
    for (;;) {
      const ready = await this.#readiness();
      const late = [...this.#machines.values()].filter(({ config }) => ready.get(config.name) !== true);
      if (late.length === 0) return;
      if (performance.now() > deadline) {
        const which = late.map((each) => `${each.config.name} (${each.logFile('kubelet')})`).join(', ');
        throw new ClusterError('notReady', `Not Ready after ${NODES_TIMEOUT_MS / 1000} s: ${which}.`);
      }
      await delay(POLL_MS);
    }
  }
}
