/** Runs kubectl against a development cluster. */
import { spawn } from 'node:child_process';

export interface KubectlOptions {
  /** Path of the program. */
  kubectl: string;
  kubeconfig: string;
}

/** kubectl ended with an error. */
export class KubectlError extends Error {
  override readonly name = 'KubectlError';
  readonly code: number | null;
  readonly stderr: string;

  constructor(args: readonly string[], code: number | null, stderr: string) {
    super(`kubectl ${args.join(' ')}: ${stderr.trim()}`);
    this.code = code;
    this.stderr = stderr;
  }
}

/**
 * Runs it; resolves with its standard output.
 * @param input text for its standard input
 * @throws KubectlError
 */
export async function kubectl(options: KubectlOptions, args: readonly string[], input = ''): Promise<string> {
  const child = spawn(options.kubectl, args, {
    env: { ...process.env, KUBECONFIG: options.kubeconfig },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new KubectlError(args, code, stderr);
  return stdout;
}
