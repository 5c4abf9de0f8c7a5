/**
 * One machine as those see it who hold the cluster: its power, its simulated host, and what of it outlives a power cut.
 */
import type { ControlRequest } from '../../../src/sim/host/control.ts';
import type { MachineConfig, MachineState, MachineSurroundings, Service } from './config.ts';

export class MachineError extends Error {
  override readonly name = 'MachineError';
  /** `notOn`: it has no power. `noHost`: it is no Bottlerocket host. `failed`: it did not come up. */
  readonly code: 'notOn' | 'noHost' | 'failed';

  constructor(code: MachineError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What happened to a machine. */
export interface MachineChange {
  state: MachineState;
  bootId: string;
  /** Of Bottlerocket; undefined for an ordinary Linux machine. */
  version: string | undefined;
  /** Why it did not come up. */
  error?: Error;
}

/** See the head of this file. Made without power; one `close()` ends everything. */
export class Machine {
  readonly config: MachineConfig;
  readonly #surroundings: MachineSurroundings;

  constructor(config: MachineConfig, surroundings: MachineSurroundings) {
    this.config = config;
    this.#surroundings = surroundings;
  }

  get state(): MachineState {
    return 'off';
  }

  /** Of its pid 1, as seen from outside; undefined without power. */
  get pid(): number | undefined {
    return undefined;
  }

  get bootId(): string {
    return '';
  }

  /** Version of Bottlerocket that runs, or ran last; undefined for an ordinary Linux machine. */
  get version(): string | undefined {
    return this.config.host?.image.version;
  }

  /** Tells `listener` of every change of the state. @returns how to stop that */
  onChange(listener: (change: MachineChange) => void): () => void {
    void listener;
    return () => undefined;
  }

  /** Resolves when its kubelet has been started, or the boot hangs. @throws MachineError `failed` */
  async powerOn(): Promise<void> {
    await this.#surroundings.prepareCgroup();
  }

  /** At once, without a word to anything that runs. Resolves when nothing of it is left. */
  async powerOff(): Promise<void> {
    await this.#surroundings.emptyCgroup();
  }

  /** An orderly reboot, as if somebody had asked its systemd. Resolves when it is on again, or the boot hangs. */
  async reboot(): Promise<void> {
    await this.powerOff();
    await this.powerOn();
  }

  /** Imports an OCI archive into its containerd; it keeps it. @throws MachineError `notOn`, `failed` */
  load(archive: string): Promise<void> {
    return Promise.reject(new MachineError('notOn', `${this.config.name} is off; ${archive} is not loaded`));
  }

  /** Asks its simulated host: faults, releases, power. @throws MachineError `noHost` @throws Error in the host's words */
  control(request: ControlRequest): unknown {
    throw new MachineError('noHost', `${this.config.name} is no Bottlerocket host: ${request.do}`);
  }

  /** The file that pid 1 appends a program's output to. */
  logFile(service: Service): string {
    return service;
  }

  /** The command line that runs `command` on the machine. @throws MachineError `notOn` */
  enter(command: readonly string[]): string[] {
    return [...command];
  }

  /** Without power, for good. */
  async close(): Promise<void> {
    await this.powerOff();
  }
}
