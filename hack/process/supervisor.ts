/**
 * Child processes that never outlive us. Each is the leader of its own process group (so that a Ctrl-C in the
 * terminal reaches only us, and we end them in order), and a watchdog ends those that are left when we die.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, closeSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Reads `add PID`, `drop PID` and `keep`; when its input ends (we are gone) it kills what is left and removes
 * the directories it was given, unless they are to be kept.
 */
const WATCHDOG = `
pids=' '
while read -r word pid; do
  case $word in
    add) pids="$pids$pid " ;;
    drop) pids="\${pids%% $pid *} \${pids#* $pid }" ;;
    keep) set -- ;;
  esac
done
for pid in $pids; do kill -KILL "-$pid"; done
for dir in "$@"; do rm -rf "$dir"; done
`;

export interface ChildOptions {
  /** What it is called in messages. */
  name: string;
  command: string;
  args: readonly string[];
  /** File its output is appended to. */
  logFile: string;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** An open descriptor that becomes the child's file descriptor 3. */
  inherit?: number;
}

export interface StopOptions {
  /** @default SIGTERM */
  signal?: NodeJS.Signals;
  /** After this it is killed. @default 10000 */
  graceMs?: number;
}

export interface StopAllOptions extends StopOptions {
  /** Leave the scratch directories, for whoever reads the logs. @default false */
  keepScratch?: boolean;
}

/** How a child ended. */
export interface Ending {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** One running program. */
export class Child {
  readonly name: string;
  readonly pid: number;
  readonly logFile: string;
  /** Resolves when it has ended. */
  readonly ended: Promise<Ending>;
  #ending: Ending | undefined;

  constructor(options: ChildOptions, process: ChildProcess, pid: number) {
    this.name = options.name;
    this.logFile = options.logFile;
    this.pid = pid;
    this.ended = new Promise((resolve) => {
      process.once('exit', (code, signal) => {
        this.#ending = { code, signal };
        resolve(this.#ending);
      });
    });
  }

  /** Undefined while it runs. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** Sends a signal to it and to what it started; nothing happens when it has ended. */
  kill(signal: NodeJS.Signals): void {
    if (this.#ending !== undefined) return;
    try {
      process.kill(-this.pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  /** Asks it to end, kills it after the grace; resolves when it has ended. */
  async stop(options: StopOptions = {}): Promise<Ending> {
    this.kill(options.signal ?? 'SIGTERM');
    const timer = new AbortController();
    const grace = delay(options.graceMs ?? 10_000, undefined, { signal: timer.signal }).catch(
      () => undefined,
    );
    await Promise.race([this.ended, grace]);
    timer.abort();
    this.kill('SIGKILL');
    return this.ended;
  }

  /** The last lines it wrote. */
  tail(lines = 15): string {
    const text = readFileSync(this.logFile, 'utf8').trimEnd();
    return text.split('\n').slice(-lines).join('\n');
  }
}

/** Starts programs and sees to it that they end. */
export class Supervisor {
  readonly #children = new Set<Child>();
  readonly #scratch: readonly string[];
  #watchdog: ChildProcess | undefined;

  /** @param scratch directories that are removed when the supervisor ends, however that happens */
  constructor(scratch: readonly string[] = []) {
    this.#scratch = scratch;
  }

  /** The children that run. */
  get running(): readonly Child[] {
    return [...this.#children];
  }

  /** @throws Error when the program cannot be started */
  async start(options: ChildOptions): Promise<Child> {
    const log = openSync(options.logFile, 'a');
    try {
      const process = spawn(options.command, options.args, {
        detached: true,
        stdio: ['ignore', log, log, ...(options.inherit === undefined ? [] : [options.inherit])],
        ...(options.env === undefined ? {} : { env: options.env }),
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      });
      if (process.pid === undefined) {
        const [error] = (await once(process, 'error')) as [Error];
        throw new Error(`${options.name} could not be started`, { cause: error });
      }
      const child = new Child(options, process, process.pid);
      this.#children.add(child);
      this.#watchdog ??= startWatchdog(this.#scratch);
      this.#watchdog.stdin?.write(`add ${child.pid}\n`);
      void this.#forgetWhenEnded(child);
      return child;
    } finally {
      closeSync(log);
    }
  }

  /** Ends everything that still runs, all at the same time, then the watchdog, and removes the scratch. */
  async stopAll(options: StopAllOptions = {}): Promise<void> {
    await Promise.all(this.running.map((child) => child.stop(options)));
    const watchdog = this.#watchdog;
    this.#watchdog = undefined;
    if (options.keepScratch === true) watchdog?.stdin?.write('keep\n');
    else for (const dir of this.#scratch) rmSync(dir, { recursive: true, force: true });
    if (watchdog === undefined || watchdog.exitCode !== null) return;
    watchdog.ref();
    const gone = once(watchdog, 'exit');
    watchdog.stdin?.end();
    await gone;
  }

  async #forgetWhenEnded(child: Child): Promise<void> {
    await child.ended;
    this.#children.delete(child);
    this.#watchdog?.stdin?.write(`drop ${child.pid}\n`);
  }
}

function startWatchdog(scratch: readonly string[]): ChildProcess {
  const watchdog = spawn('/bin/sh', ['-c', WATCHDOG, 'watchdog', ...scratch], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  // It must not keep us alive, and its end with us is no error.
  watchdog.unref();
  watchdog.stdin.on('error', () => undefined);
  (watchdog.stdin as unknown as { unref?: () => void }).unref?.();
  return watchdog;
}
