/** Runs `npm run image` and the programs that look at what it made. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '..', '..');

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

/** Runs a program to its end, however that is. */
export const run = (
  [program, ...args]: readonly [string, ...string[]],
  { cwd = ROOT, env = {} }: RunOptions = {},
): Promise<Ended> =>
  new Promise((resolve, reject) => {
    // Nobody's credentials are used in tests.
    const environment = { ...process.env, DOCKER_CONFIG: '/nonexistent', REGISTRY_AUTH_FILE: '', ...env };
    execFile(program, args, { cwd, env: environment, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error === null) resolve({ code: 0, stdout, stderr });
      else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr });
      else reject(error);
    });
  });

/** What a program writes. @throws Error when it fails */
export async function output(...command: [string, ...string[]]): Promise<string> {
  const { code, stdout, stderr } = await run(command);
  if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${stderr}`);
  return stdout;
}

/** `npm run image -- …` in a checkout. */
export const image = (args: readonly string[], { root = ROOT, env = {} } = {}): Promise<Ended> =>
  run([process.execPath, join(root, 'hack/run.mjs'), join(root, 'hack/image/main.ts'), ...args], {
    cwd: root,
    env,
  });

/** The digest that it prints. @throws Error when it made none */
export async function digestOf(ending: Promise<Ended>): Promise<string> {
  const { code, stdout, stderr } = await ending;
  const digest = /@(sha256:[0-9a-f]{64})\n$/.exec(stdout)?.[1];
  if (code !== 0 || digest === undefined) throw new Error(`No image (${code}): ${stderr}`);
  return digest;
}

/** A directory for the files of one suite; `remove` at its end. */
export async function scratch(): Promise<{ directory: string; remove: () => Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'brupop-image-'));
  return { directory, remove: () => rm(directory, { recursive: true, force: true }) };
}
