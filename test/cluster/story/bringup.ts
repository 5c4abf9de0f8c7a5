/** A cluster for stories: machines, image, operator. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { machineSpecs } from '../../../hack/cluster/spec.ts';
import { sweep } from '../../../hack/cluster/sweep/sweep.ts';
import { up } from '../../../hack/cluster/up.ts';
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
}

/** A cluster that runs. */
export interface BroughtUp {
  /** State directory. */
  dir: string;
  /** Ends it and removes everything of it. */
  putAway(): Promise<void>;
}

/** Starts it and installs the operator; nothing is left when that fails. */
export async function bringUp(options: BringUpOptions): Promise<BroughtUp> {
  const { name, machines, ordinary, image, progress } = options;
  const parent = await mkdtemp(join(tmpdir(), 'brupop-stories-'));
  const dir = join(parent, name);
  const putAway = async (): Promise<void> => {
    await sweep({ name, dir });
    await rm(parent, { recursive: true, force: true });
  };
  const wishes = { machines, ordinary, version: VERSION, releases: [VERSION], variant: VARIANT, arch: ARCH };
  try {
    await up({ name, dir, machines: machineSpecs(wishes), images: [image], progress });
    const cluster = await RealCluster.open(dir);
    try {
      await installOperator(cluster);
    } finally {
      await cluster.close();
    }
  } catch (error) {
    await putAway();
    throw error;
  }
  return { dir, putAway };
}
