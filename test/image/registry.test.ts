/** Pushes to a registry that is not ours, and builds upon what is there. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePorts } from '../../hack/process/ports.ts';
import { Supervisor } from '../../hack/process/supervisor.ts';
import { digestOf, image, output, scratch } from './commandline.ts';

const files = await scratch();
const supervisor = new Supervisor([files.directory]);
let host = '';

const STARTS_WITHIN_MS = 20_000;

/** Waits until somebody answers there. */
async function answers(url: string): Promise<void> {
  const latest = performance.now() + STARTS_WITHIN_MS;
  for (;;) {
    const outcome = await fetch(url).catch((error: unknown) => error as Error);
    if (!(outcome instanceof Error) && outcome.ok) return;
    if (performance.now() > latest) throw new Error(`${url} does not answer`, { cause: outcome });
    await delay(100);
  }
}

beforeAll(async () => {
  const [port] = await freePorts(1);
  host = `127.0.0.1:${port}`;
  const config = join(files.directory, 'registry.yml');
  const storage = join(files.directory, 'storage');
  await mkdir(storage);
  await writeFile(
    config,
    `version: 0.1\nstorage: { filesystem: { rootdirectory: ${storage} } }\nhttp: { addr: "${host}" }\n`,
  );
  await supervisor.start({
    name: 'docker-registry',
    command: 'docker-registry',
    args: ['serve', config],
    logFile: join(files.directory, 'registry.log'),
  });
  await answers(`http://${host}/v2/`);
});

afterAll(async () => {
  await supervisor.stopAll();
  await files.remove();
});

const skopeo = (...args: string[]): Promise<string> => output('skopeo', ...args);

describe('an image that was pushed', () => {
  test('is there as it was made, and can be copied by others', async () => {
    const digest = await digestOf(image(['--push', `${host}/team/brupop`]));
    const source = `docker://${host}/team/brupop:v0.1.0`;
    expect(await skopeo('inspect', '--tls-verify=false', '--format', '{{.Digest}}', source)).toBe(
      `${digest}\n`,
    );
    const copy = `oci:${join(files.directory, 'copy')}:v0.1.0`;
    await skopeo('copy', '-q', '--all', '--src-tls-verify=false', source, copy);
    const index = JSON.parse(await skopeo('inspect', '--raw', copy)) as { manifests: unknown[] };
    expect(index.manifests).toHaveLength(2);
  });

  test('has its bill of materials attached', async () => {
    const digest = await digestOf(image(['--push', `${host}/team/brupop:again`]));
    const get = async (path: string, accept: string): Promise<unknown> =>
      (await fetch(`http://${host}/v2/team/brupop/${path}`, { headers: { accept } })).json();
    const list = (await get(
      `manifests/${digest.replace(':', '-')}`,
      'application/vnd.oci.image.index.v1+json',
    )) as {
      manifests: { digest: string; artifactType: string }[];
    };
    expect(list.manifests).toMatchObject([{ artifactType: 'application/spdx+json' }]);
    const manifest = (await get(
      `manifests/${list.manifests[0]?.digest}`,
      'application/vnd.oci.image.manifest.v1+json',
    )) as { subject: { digest: string }; layers: { digest: string }[] };
    expect(manifest.subject.digest).toBe(digest);
    const document = await get(`blobs/${manifest.layers[0]?.digest}`, '*/*');
    expect(document).toMatchObject({ spdxVersion: 'SPDX-2.3' });
  });

  test('is not sent twice', async () => {
    const { stderr } = await image(['--push', `${host}/team/brupop:third`]);
    expect(stderr).toMatch(/\(4\d\.\d MB\) is there already$/m);
    expect(stderr).not.toMatch(/[1-9]\.\d MB\) sent$/m);
  });
});

describe('a base in a registry', () => {
  test('gives its layers to an image that is laid upon it', async () => {
    const digest = await digestOf(image(['--push', `${host}/team/base:v1`]));
    const base = `${host}/team/base@${digest}`;
    const made = await image([
      '--base',
      base,
      '--push',
      `${host}/team/onbase:v1`,
      '--platform',
      'linux/amd64',
    ]);
    expect([made.code, made.stderr]).toEqual([0, expect.stringMatching(/was taken from the base/)]);
    const layersOf = async (name: string): Promise<string[]> => {
      const source = `docker://${host}/team/${name}:v1`;
      const inspected = await skopeo('inspect', '--tls-verify=false', '--override-arch', 'amd64', source);
      return (JSON.parse(inspected) as { Layers: string[] }).Layers;
    };
    const [below, on] = [await layersOf('base'), await layersOf('onbase')];
    expect(on.slice(0, below.length)).toEqual(below);
    expect(on).toHaveLength(below.length + 2);
    const raw = await skopeo('inspect', '--raw', '--tls-verify=false', `docker://${host}/team/onbase:v1`);
    expect(JSON.parse(raw)).toMatchObject({
      annotations: {
        'org.opencontainers.image.base.name': base,
        'org.opencontainers.image.base.digest': digest,
      },
    });
  });

  test('for another platform ends with one sentence, and pushes nothing', async () => {
    const digest = await digestOf(image(['--push', `${host}/team/amd64:v1`, '--platform', 'linux/amd64']));
    const made = await image(['--base', `${host}/team/amd64@${digest}`, '--push', `${host}/team/never:v1`]);
    expect(made.code).toBe(1);
    expect(made.stderr).toMatch(/has nothing for linux\/arm64, but for linux\/amd64/);
    expect(made.stderr).not.toMatch(/^\s+at /m);
    const { repositories } = (await (await fetch(`http://${host}/v2/_catalog`)).json()) as {
      repositories: string[];
    };
    expect(repositories).not.toContain('team/never');
  });
});
