/** Finds out what a cluster needs of this machine. Changes nothing: what is tried is tried in namespaces that end. */
import { access, constants, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseHierarchies, type Hierarchy } from '../cgroups/hierarchies.ts';
import { run, systemPath } from '../run.ts';
import {
  CNI_DIR,
  CNI_PLUGINS,
  DEBIAN_PROGRAMS,
  KERNEL_FEATURES,
  type Facts,
  type KernelFeature,
} from './check.ts';

/** Writes the name of each feature that is missing. */
const TRIAL = `
ip link add trial0 type bridge || echo bridge
ip link add trial1 type veth peer name trial2 || echo veth
iptables -t nat -A POSTROUTING -m comment --comment trial -j MASQUERADE || echo iptables
grep -qw overlay /proc/filesystems || echo overlay
[ -c /dev/kmsg ] || echo kmsg
`;

const present = (path: string, mode: number): Promise<boolean> =>
  access(path, mode).then(
    () => true,
    () => false,
  );

/** Path of a program, or nothing when it is nowhere. */
export async function findProgram(name: string): Promise<string | undefined> {
  for (const dir of systemPath().split(':')) {
    const path = join(dir, name);
    if (await present(path, constants.X_OK)) return path;
  }
  return undefined;
}

async function without(names: readonly string[], has: (name: string) => Promise<boolean>): Promise<string[]> {
  const found = await Promise.all(names.map(has));
  return names.filter((_, at) => found[at] !== true);
}

async function tryFeatures(): Promise<KernelFeature[]> {
  const said = await run('unshare', '-mnpu', '--fork', 'sh', '-c', TRIAL).catch(() => 'namespaces');
  return said.split('\n').filter((line): line is KernelFeature => Object.hasOwn(KERNEL_FEATURES, line));
}

async function controllersOf({ path, version, controllers }: Hierarchy): Promise<readonly string[]> {
  if (version === 1) return controllers;
  const text = await readFile(join(path, 'cgroup.controllers'), 'utf8').catch(() => '');
  return text.trim().split(' ');
}

async function controllers(): Promise<string[]> {
  const mounts = await readFile('/proc/self/mounts', 'utf8').catch(() => '');
  return (await Promise.all(parseHierarchies(mounts).map(controllersOf))).flat();
}

/** See the head of this file. */
export async function gatherFacts(): Promise<Facts> {
  const uid = process.geteuid?.() ?? -1;
  const missingPrograms = await without(
    Object.keys(DEBIAN_PROGRAMS),
    async (name) => (await findProgram(name)) !== undefined,
  );
  const missingPlugins = await without(CNI_PLUGINS, (name) => present(join(CNI_DIR, name), constants.X_OK));
  const canTry = process.platform === 'linux' && uid === 0 && missingPrograms.length === 0;
  return {
    platform: process.platform,
    uid,
    missingPrograms,
    missingPlugins,
    missingFeatures: canTry ? await tryFeatures() : [],
    controllers: await controllers(),
  };
}
