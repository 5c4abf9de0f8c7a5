/** A program that is run in a copy and read line by line. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface ChildOptions {
  cwd: string;
  args: readonly string[];
  /** Without a line for so long it hangs, and is ended. */
  patienceMs: number;
  /** Told of every line of its output. @returns true to end it */
  onLine?: (line: string) => boolean;
}

export interface ChildEnd {
  code: number | null;
  hangs: boolean;
  /** The last lines of both outputs. */
  tail: string[];
}

const TAIL = 200;

/** Runs this Node with the arguments. Resolves when it has ended. */
export function runNode({ cwd, args, patienceMs, onLine }: ChildOptions): Promise<ChildEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let hangs = false;
    let tail: string[] = [];
    const onPatience = (): void => {
      hangs = true;
      child.kill('SIGKILL');
    };
    let timer = setTimeout(onPatience, patienceMs);
    const hear = (line: string): void => {
      clearTimeout(timer);
      timer = setTimeout(onPatience, patienceMs);
      tail = [...tail, line].slice(-TAIL);
      if (onLine?.(line) === true) child.kill('SIGKILL');
    };
    createInterface({ input: child.stdout }).on('line', hear);
    createInterface({ input: child.stderr }).on('line', hear);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, hangs, tail });
    });
  });
}
