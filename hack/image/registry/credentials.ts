/** Who to be to a registry: what `docker login` and its like have written down. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { ImageError } from '../errors.ts';

export interface Credentials {
  username: string;
  password: string;
  /** Instead of a password: to be exchanged for tokens. */
  identityToken?: string;
}

interface DockerAuth {
  auth?: string;
  username?: string;
  password?: string;
  identitytoken?: string;
}

interface DockerConfig {
  auths?: Record<string, DockerAuth>;
  credHelpers?: Record<string, string>;
  credsStore?: string;
}

/** Under what name the credentials of a registry are kept. */
const KEYS: Readonly<Record<string, string>> = { 'docker.io': 'https://index.docker.io/v1/' };
/** What a helper says for a user when the password is an identity token. */
const TOKEN_USER = '<token>';

/** Where the credentials are, in the order of asking. */
function files(env: NodeJS.ProcessEnv): string[] {
  const home = env['HOME'] ?? homedir();
  const docker = env['DOCKER_CONFIG'] ?? join(home, '.docker');
  const { REGISTRY_AUTH_FILE: file } = env;
  return [...(file === undefined || file === '' ? [] : [file]), join(docker, 'config.json')];
}

async function readConfig(path: string): Promise<DockerConfig | undefined> {
  const content = await readFile(path, 'utf8').catch(() => undefined);
  if (content === undefined) return undefined;
  try {
    return JSON.parse(content) as DockerConfig;
  } catch (error) {
    throw new ImageError(
      'registry',
      `${path} is no JSON; it should hold the credentials of registries.`,
      error,
    );
  }
}

function fromAuth({ auth, username, password, identitytoken }: DockerAuth): Credentials | undefined {
  const [user = '', ...secret] =
    auth === undefined || auth === ''
      ? [username ?? '', password ?? '']
      : Buffer.from(auth, 'base64').toString().split(':');
  if (identitytoken !== undefined && identitytoken !== '') {
    return { username: user, password: '', identityToken: identitytoken };
  }
  return user === '' ? undefined : { username: user, password: secret.join(':').replace(/\0+$/, '') };
}

/** Asks a credential helper; undefined when it knows nothing of that registry. */
async function fromHelper(helper: string, key: string): Promise<Credentials | undefined> {
  const program = `docker-credential-${helper}`;
  const child = spawn(program, ['get'], { stdio: ['pipe', 'pipe', 'ignore'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(key);
  try {
    const [code, answer] = await Promise.all([ended, text(child.stdout)]);
    if (code !== 0) return undefined;
    const { Username = '', Secret = '' } = JSON.parse(answer) as { Username?: string; Secret?: string };
    if (Username === TOKEN_USER) return { username: '', password: '', identityToken: Secret };
    return { username: Username, password: Secret };
  } catch (error) {
    throw new ImageError(
      'registry',
      `${program}, which should know the credentials of ${key}, does not work.`,
      error,
    );
  }
}

/** `https://host/v1/` → `host`. */
const hostOf = (key: string): string => key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');

/**
 * The credentials for a registry; undefined when there are none, and it is asked without.
 * @param env names the files: `REGISTRY_AUTH_FILE`, `DOCKER_CONFIG`. @default process.env
 */
export async function findCredentials(
  registry: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Credentials | undefined> {
  const key = KEYS[registry] ?? registry;
  for (const path of files(env)) {
    const config = await readConfig(path);
    const helper = config?.credHelpers?.[key] ?? config?.credsStore;
    const kept = Object.entries(config?.auths ?? {}).find(([name]) => name === key || hostOf(name) === key);
    const found =
      (kept === undefined ? undefined : fromAuth(kept[1])) ??
      (helper === undefined ? undefined : await fromHelper(helper, key));
    if (found !== undefined) return found;
  }
  return undefined;
}
