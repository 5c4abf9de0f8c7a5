/** What a cluster is started with; plain data in `cluster.json`. */
import { readFile } from 'node:fs/promises';
import type { Programs } from '../programs/controlplane.ts';
import type { HostConfig, MachinePrograms, Taint } from './machine/config.ts';
import { paths } from './layout.ts';

export interface MachineSpec {
  name: string;
  /** From 1. */
  index: number;
  labels: Readonly<Record<string, string>>;
  taints: readonly Taint[];
  /** Undefined: an ordinary Linux machine. */
  host?: HostConfig;
}

export interface ClusterSpec {
  name: string;
  /** State directory. */
  dir: string;
  programs: { controlPlane: Programs; machine: MachinePrograms; coredns: string };
  machines: readonly MachineSpec[];
  /** OCI archives that every machine has. */
  images: readonly string[];
}

export interface MachineWishes {
  /** Bottlerocket machines: `node-1` and so on. */
  machines: number;
  /** Other Linux machines: `infra-1` and so on. */
  ordinary: number;
  /** What the Bottlerocket machines run at first. */
  version: string;
  /** What their repository offers. */
  releases: readonly string[];
  variant: string;
  /** Of the images, in Bottlerocket's words. */
  arch: string;
}

const ZONES = ['a', 'b', 'c'];
const REGION = 'test-1';
/** Label of the machines that are not updated. */
export const INFRA_LABEL = 'brupop.test/infra';

const zoneLabels = (index: number): Record<string, string> => ({
  'topology.kubernetes.io/region': REGION,
  'topology.kubernetes.io/zone': `${REGION}${ZONES[(index - 1) % ZONES.length]}`,
});

/** The machines of a cluster; Bottlerocket's come first. */
export function machineSpecs(wishes: MachineWishes): MachineSpec[] {
  const bottlerocket = Array.from({ length: wishes.machines }, (_, at): MachineSpec => {
    const name = `node-${at + 1}`;
    const image = { arch: wishes.arch, variant: wishes.variant, version: wishes.version };
    return {
      name,
      index: at + 1,
      labels: { ...zoneLabels(at + 1), env: 'dev' },
      taints: [],
      host: { image, releases: wishes.releases, seed: name },
    };
  });
  const ordinary = Array.from({ length: wishes.ordinary }, (_, at): MachineSpec => ({
    name: `infra-${at + 1}`,
    index: wishes.machines + at + 1,
    labels: { ...zoneLabels(at + 1), [INFRA_LABEL]: 'true' },
    taints: [],
  }));
  return [...bottlerocket, ...ordinary];
}

/** The spec in a state directory, or nothing when there is none that can be read. */
export async function readSpec(dir: string): Promise<ClusterSpec | undefined> {
  const text = await readFile(paths(dir).spec, 'utf8').catch(() => '');
  try {
    return JSON.parse(text) as ClusterSpec;
  } catch {
    return undefined;
  }
}
