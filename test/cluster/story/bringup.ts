/** A cluster for stories: machines, image, operator. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FAST_HOST } from '../../../hack/cluster/machine/config.ts';
import { machineSpecs, type MachineSpec } from '../../../hack/cluster/spec.ts';
import { sweep } from '../../../hack/cluster/sweep/sweep.ts';
import { up } from '../../../hack/cluster/up.ts';
import type { Durations } from '../../../src/sim/host/durations.ts';
import { RealCluster } from './cluster.ts';
import { installOperator } from './install.ts';

/** What the hosts run at first, and all that their repository offers. */
const VERSION = '1.40.0';
const VARIANT = 'aws-k8s-1.36';
const ARCH = process.arch === 'arm64' ? 'aarch64' : 'x86_64';

export interface BringUpOptions {
  name: string;
  /** Bottlerocket machines. */
  machines: number;
  /** Other Linux machines. */
  ordinary: number;
  /** OCI archive of the operator. */
  image: string;
  progress: (line: string) => void;
  /** What the repository of the hosts offers. @default what they run */
  releases?: readonly string[];
  /** How long things take on the hosts. @default what `npm run cluster` has */
  durations?: Partial<Durations>;
  /** What is installed. @default the overlay of the tests */
  overlay?: string;
}

/** A cluster that runs. */
export interface BroughtUp {
  /** State directory. */
  dir: string;
  /** Ends it and removes everything of it. */
  putAway(): Promise<void>;
}

const withDurations = (spec: MachineSpec, durations: Partial<Durations> | undefined): MachineSpec =>
  durations === undefined || spec.host === undefined
    ? spec
    : { ...spec, host: { ...spec.host, durations: { ...FAST_HOST, ...durations } } };

/** Starts it and installs the operator; nothing is left when that fails. */
export async function bringUp(options: BringUpOptions): Promise<BroughtUp> {
  const { name, machines, ordinary, image, progress, overlay, releases = [VERSION] } = options;
  const parent = await mkdtemp(join(tmpdir(), 'brupop-stories-'));
  const dir = join(parent, name);
  const putAway = async (): Promise<void> => {
    await sweep({ name, dir });
    await rm(parent, { recursive: true, force: true });
  };
  const wishes = { machines, ordinary, version: VERSION, releases, variant: VARIANT, arch: ARCH };
  try {
    const specs = machineSpecs(wishes).map((spec) => withDurations(spec, options.durations));
    await up({ name, dir, machines: specs, images: [image], progress });
    const cluster = await RealCluster.open(dir);
    try {
      await installOperator(cluster, overlay);
    } finally {
      await cluster.close();
    }
  } catch (error) {
    await putAway();
    throw error;
  }
  return { dir, putAway };
}
