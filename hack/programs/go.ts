/** The Go tool chain of this machine. */
import { execFile } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Go {
  /** The `go` command. */
  command: string;
  /** Such as `go1.26.8`. */
  version: string;
}

/** Environment of a Go command: the tool chain needs a home for its caches even where none is set. */
export const goEnvironment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...env,
  HOME: env['HOME'] ?? homedir(),
  CGO_ENABLED: '0',
});

/**
 * Looks on the PATH, in GOROOT and where Go's own installer puts it; undefined when there is none.
 * @param dir directory of a go.mod: the version is the one that builds that module, since Go may fetch a newer
 *   tool chain where a module asks for it
 */
export async function findGo(dir: string, env: NodeJS.ProcessEnv = process.env): Promise<Go | undefined> {
  const goroot = env['GOROOT'];
  const candidates = [
    'go',
    ...(goroot === undefined ? [] : [join(goroot, 'bin', 'go')]),
    '/usr/local/go/bin/go',
  ];
  for (const command of candidates) {
    try {
      const { stdout } = await run(command, ['env', 'GOVERSION'], { env: goEnvironment(env), cwd: dir });
      return { command, version: stdout.trim() };
    } catch {
      // Not there, or not working: the next one.
    }
  }
  return undefined;
}
