/** The image itself, as others see it: skopeo reads it, umoci unpacks it, runc runs it. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileTree } from '../../hack/image/archive/filetree.ts';
import { PLATFORMS, type Platform } from '../../hack/image/platforms.ts';
import { isElf, readElf } from '../../hack/image/runtime/elf.ts';
import { closure } from '../../hack/image/runtime/libraries.ts';
import { digestOf, image, output, run, scratch, type Ended } from './commandline.ts';

const files = await scratch();
const at = (...names: string[]): string => join(files.directory, ...names);
const archive = at('brupop.tar');
const sbom = at('brupop.spdx.json');
let digest = '';

beforeAll(async () => {
  digest = await digestOf(
    image(['--output', archive, '--sbom', sbom, '--source', 'https://code.example.com/brupop']),
  );
  for (const { architecture } of PLATFORMS) {
    const layout = `oci:${at(architecture)}:v0.1.0`;
    await output('skopeo', 'copy', '-q', '--override-arch', architecture, `oci-archive:${archive}`, layout);
    await output('umoci', 'unpack', '--image', `${at(architecture)}:v0.1.0`, at(`${architecture}-bundle`));
  }
});
afterAll(files.remove);

const rootfs = ({ architecture }: Platform): string => at(`${architecture}-bundle`, 'rootfs');

interface Found {
  path: string;
  /** As find says it: `f` file, `d` directory, `l` link. */
  kind: string;
  mode: number;
  /** Of a link. */
  target: string;
}

/** Everything in the image of a platform; paths from its root. Links are not followed. */
async function unpacked(platform: Platform): Promise<Found[]> {
  const listed = await output('find', rootfs(platform), '-mindepth', '1', '-printf', '%y\t%m\t%P\t%l\n');
  const lines = listed.trimEnd().split('\n');
  return lines.map((line) => {
    const [kind = '', mode = '', path = '', target = ''] = line.split('\t');
    return { path, kind, mode: Number.parseInt(mode, 8), target };
  });
}

describe('the index', () => {
  test('names both platforms, and says what it is made of', async () => {
    const index = JSON.parse(await output('skopeo', 'inspect', '--raw', `oci-archive:${archive}`)) as unknown;
    expect(index).toMatchObject({
      manifests: [{ platform: { architecture: 'amd64' } }, { platform: { architecture: 'arm64' } }],
      annotations: {
        'org.opencontainers.image.source': 'https://code.example.com/brupop',
        'org.opencontainers.image.version': '0.1.0',
        'org.opencontainers.image.licenses': expect.stringContaining('Apache-2.0 AND ') as string,
        'org.opencontainers.image.created': expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
      },
    });
  });

  test('comes with a bill of materials of exactly this image', async () => {
    const { packages } = JSON.parse(await readFile(sbom, 'utf8')) as {
      packages: { name: string; checksums?: { checksumValue: string }[] }[];
    };
    expect(packages[0]?.checksums?.[0]?.checksumValue).toBe(digest.replace('sha256:', ''));
    const names = packages.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['node', 'libc6', 'libstdc++6', 'ca-certificates', 'fastify', 'undici']),
    );
  });
});

describe.each(PLATFORMS)('the image for $name', (platform) => {
  test('is at most 55 MB to pull, of which a new version of the programs is a small part', async () => {
    const { LayersData } = JSON.parse(
      await output('skopeo', 'inspect', '--override-arch', platform.architecture, `oci-archive:${archive}`),
    ) as { LayersData?: { Size: number }[] };
    const manifest = JSON.parse(
      await output('skopeo', 'inspect', '--raw', `oci:${at(platform.architecture)}`),
    ) as {
      layers: { size: number }[];
    };
    const [runtime = 0, application = 0, ...others] = manifest.layers.map(({ size }) => size);
    expect(others).toEqual([]);
    expect(runtime + application).toBeLessThan(55e6);
    expect(application).toBeLessThan(3e6);
    expect(LayersData?.length ?? 2).toBe(2);
  });

  test('has labels, a user, and an entry point that arguments can follow', async () => {
    const config = JSON.parse(
      await output('skopeo', 'inspect', '--config', `oci:${at(platform.architecture)}`),
    ) as unknown;
    expect(config).toMatchObject({
      architecture: platform.architecture,
      config: {
        User: '65532:65532',
        Entrypoint: ['/opt/node/bin/node', '/opt/brupop/main.cjs'],
        Labels: { 'org.opencontainers.image.version': '0.1.0' },
      },
    });
  });

  test('has Node and its libraries, and nothing else that can be run', async () => {
    const runnable = (await unpacked(platform)).filter(
      ({ kind, mode }) => kind === 'f' && (mode & 0o111) !== 0,
    );
    const programs = runnable.filter(({ path }) => !/\.so(?:\.\d+)*$/.test(path));
    expect(programs.map(({ path }) => path)).toEqual(['opt/node/bin/node']);
  });

  test('has nothing that changes who runs it, and nothing that its user may write but /tmp', async () => {
    const loose = (await unpacked(platform)).filter(
      ({ path, kind, mode }) => kind !== 'l' && path !== 'tmp' && (mode & 0o6022) !== 0,
    );
    expect(loose).toEqual([]);
  });

  test('has the libraries that Node asks for, for its machine', async () => {
    const root = rootfs(platform);
    const tree = new FileTree();
    for (const { path, kind, mode, target } of await unpacked(platform)) {
      const entry = { path, mode, bytes: 0 };
      if (kind === 'l') tree.add({ ...entry, type: 'symlink', target });
      else if (kind === 'f') tree.add({ ...entry, type: 'file', content: await readFile(join(root, path)) });
    }
    const node = readElf(await readFile(join(root, 'opt/node/bin/node')));
    const needed = closure(tree, platform, { name: 'Node', elf: node });
    const libraries = [...tree.values()].filter(
      ({ path, content }) => content !== undefined && isElf(content) && !path.startsWith('opt/'),
    );
    expect(libraries.filter(({ path }) => !needed.has(path)).map(({ path }) => path)).toEqual([]);
  });

  test('has the licence of everything, and what scanners look for', async () => {
    const paths = new Set((await unpacked(platform)).map(({ path }) => path));
    for (const path of [
      'opt/brupop/LICENSE',
      'opt/node/LICENSE',
      'usr/share/common-licenses/LGPL-2.1',
      'etc/os-release',
    ]) {
      expect(paths).toContain(path);
    }
    const records = [...paths].filter((path) => path.startsWith('var/lib/dpkg/status.d/'));
    for (const record of records) {
      const name = record.split('/').at(-1) ?? '';
      await expect(
        readFile(join(rootfs(platform), `usr/share/doc/${name}/copyright`), 'utf8'),
      ).resolves.toMatch(/licen[cs]e/i);
    }
    expect(records).toHaveLength(6);
  });

  test('has every root certificate, in one file', async () => {
    const bundle = await readFile(join(rootfs(platform), 'etc/ssl/certs/ca-certificates.crt'), 'utf8');
    const certificates = bundle.match(
      /-----BEGIN CERTIFICATE-----\n[A-Za-z0-9+/=\n]+\n-----END CERTIFICATE-----\n/g,
    );
    expect(certificates?.join('')).toBe(bundle);
    expect(certificates?.length).toBeGreaterThan(100);
  });
});

/** The platform of this machine. */
const own = PLATFORMS.find(({ nodePackage }) => nodePackage === `node-linux-${process.arch}`);

/** Runs arguments of a container on a root file system that is read-only, without any capability. */
async function contained(args: readonly string[], entrypoint?: readonly string[]): Promise<Ended> {
  if (own === undefined) throw new Error(`There is no image for ${process.arch}`);
  const bundle = at(`${own.architecture}-bundle`);
  interface Spec {
    process: { args: string[]; terminal: boolean; capabilities?: object; noNewPrivileges?: boolean };
    root: { readonly: boolean };
  }
  const path = join(bundle, 'config.json');
  const spec = JSON.parse(await readFile(path, 'utf8')) as Spec;
  const entry = entrypoint ?? spec.process.args.slice(0, 2);
  Object.assign(spec.process, {
    args: [...entry, ...args],
    terminal: false,
    capabilities: {},
    noNewPrivileges: true,
  });
  spec.root.readonly = true;
  await writeFile(path, JSON.stringify(spec));
  return run(['runc', '--root', at('runc'), 'run', '--bundle', bundle, `brupop-test-${process.pid}`]);
}

describe('a container of it', () => {
  test.each([
    [['controller', '--help'], /^Usage: brupop controller/],
    [['apiserver', '--help'], /^Usage: brupop apiserver/],
    [['agent', '--help'], /^Drives one Bottlerocket host/],
    [['--version'], /^0\.1\.0$/m],
  ])('%j runs', async (args, says) => {
    const { code, stdout, stderr } = await contained(args);
    expect([stderr, code]).toEqual(['', 0]);
    expect(stdout).toMatch(says);
  });

  const NODE = ['/opt/node/bin/node', '-p'];

  test('is run by the user of the image, who may write nothing', async () => {
    const script =
      "[process.getuid(), process.getgid(), os.userInfo().username, (() => { try { fs.writeFileSync('/tmp/x', '') } catch (error) { return error.code } })()].join()";
    expect((await contained([script], NODE)).stdout.trim()).toBe('65532,65532,brupop,EROFS');
  });

  test('knows time zones without any file of them, and every language', async () => {
    const script =
      "new Intl.DateTimeFormat('ja', { timeZone: 'America/St_Johns', dateStyle: 'full', timeStyle: 'long' }).format(0)";
    expect((await contained([script], NODE)).stdout.trim()).toBe('1969年12月31日水曜日 20:30:00 GMT-3:30');
  });

  test('trusts the roots that it holds when it is told to', async () => {
    const script =
      "tls.getCACertificates('system').length > 100 && tls.getCACertificates('default').length > 100";
    const { stdout } = await contained([script], ['/opt/node/bin/node', '--use-system-ca', '-p']);
    expect(stdout.trim()).toBe('true');
  });
});
