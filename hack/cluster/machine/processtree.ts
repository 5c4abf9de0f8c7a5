/** The processes of a machine that has power: pid 1 in its namespaces, and everything below it. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { Service } from './config.ts';

const INIT = join(import.meta.dirname, 'init.sh');
const UNSHARE = [
  '--mount',
  '--pid',
  '--net',
  '--uts',
  '--ipc',
  '--fork',
  '--kill-child=SIGKILL',
  '--propagation=private',
  '/bin/sh',
  INIT,
];

/** What of it a power cut or a shutdown has to do with. */
export type PoweredTree = Pick<ProcessTree, 'pid' | 'ended' | 'stop' | 'kill'>;

type Unshare = ChildProcessByStdio<Writable, Readable, null>;

/** See the head of this file. */
export class ProcessTree {
  /** Of pid 1, as seen from here. */
  readonly pid: number;
  /** Resolves when no process of it is left; never rejects. */
  readonly ended: Promise<void>;
  readonly #process: Unshare;
  readonly #lines: AsyncIterator<string>;
  #isOver = false;

  private constructor(process: Unshare, lines: AsyncIterator<string>, pid: number) {
    this.#process = process;
    this.#lines = lines;
    this.pid = pid;
    // It ends when pid 1 has been reaped, and the kernel lets that happen when all others are gone.
    this.ended = this.#end();
  }

  /**
   * Makes the namespaces and lets pid 1 mount what a boot needs.
   * @param bootDir as `writeBoot` left it @param logFile pid 1's complaints are appended to it
   * @throws Error when it ends before it has a process id
   */
  static async start(bootDir: string, logFile: string): Promise<ProcessTree> {
    const log = openSync(logFile, 'a');
    try {
      const process = spawn('unshare', [...UNSHARE, bootDir], {
        // A group of its own: who presses Ctrl-C does not cut the power of machines.
        detached: true,
        stdio: ['pipe', 'pipe', log],
      }) as Unshare;
      // Its input breaks when it dies; that is told by `ended`.
      process.stdin.on('error', () => undefined);
      const failed = once(process, 'error').then(([error]) => Promise.reject(error as Error));
      failed.catch(() => undefined);
      const lines = createInterface({ input: process.stdout })[Symbol.asyncIterator]();
      const { value: line = '' } = (await Promise.race([lines.next(), failed])) as { value?: string };
      const pid = Number(/^pid (\d+)$/.exec(line)?.[1]);
      if (Number.isNaN(pid)) throw new Error(`The machine's pid 1 ended at once; see ${logFile}`);
      return new ProcessTree(process, lines, pid);
    } finally {
      closeSync(log);
    }
  }

  /** Resolves when everything is mounted. @throws Error when pid 1 ends first */
  async mounted(): Promise<void> {
    const { value } = await this.#lines.next();
    if (value !== 'ready') throw new Error("The machine's pid 1 ended while it mounted");
  }

  /** Starts a program, and again whenever it ends. */
  run(service: Service): void {
    this.#process.stdin.write(`start ${service}\n`);
  }

  /** Asks everything that runs on it to end; nothing is started again. */
  stop(): void {
    this.#process.stdin.write('stop\n');
  }

  /** Cuts the power. Resolves when no process of it is left. */
  async kill(): Promise<void> {
    // Until it has been reaped its process id is nobody else's; `unshare` reaps it and ends with it.
    if (!this.#isOver) killIfThere(this.pid);
    await this.ended;
  }

  async #end(): Promise<void> {
    const { exitCode, signalCode } = this.#process;
    if (exitCode === null && signalCode === null) await once(this.#process, 'exit');
    this.#isOver = true;
  }
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
