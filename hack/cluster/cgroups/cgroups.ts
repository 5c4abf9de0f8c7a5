/** The cgroups of a cluster: `/brupop-NAME` in every hierarchy, and below it one a machine and one for the rest. */
import { access, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { cgroupName } from '../layout.ts';
import { parseHierarchies, type Hierarchy } from './hierarchies.ts';

/** How long killed processes may take to be gone. */
const EMPTY_TIMEOUT_MS = 15_000;
const POLL_MS = 20;
/** For the processes of the harness; v2 wants processes in leaves only. */
const HARNESS = 'harness';

export class CgroupError extends Error {
  override readonly name = 'CgroupError';
  /** `busy`: processes that do not end. `controllers`: v2 does not pass a controller on. */
  readonly code: 'busy' | 'controllers';

  constructor(code: CgroupError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const words = async (path: string): Promise<string[]> =>
  (await readFile(path, 'utf8').catch(() => '')).split(/\s+/).filter((each) => each !== '');

const subdirectories = async (path: string): Promise<string[]> => {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
  return entries.filter((each) => each.isDirectory()).map((each) => join(path, each.name));
};

/** A cgroup and all below it, the deepest first. */
async function tree(path: string): Promise<string[]> {
  const below = await Promise.all((await subdirectories(path)).map(tree));
  return [...below.flat(), path];
}

/** A v1 cpuset is born empty, and then nothing may enter it. */
async function fillCpuset(path: string): Promise<void> {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) {
    const [parent = ''] = await words(join(path, '..', file));
    await writeFile(join(path, file), parent);
  }
  await writeFile(join(path, 'cgroup.clone_children'), '1');
}

/** Lets the children of a v2 cgroup have the controllers it has itself. */
async function passControllersOn(path: string): Promise<void> {
  const available = await words(join(path, 'cgroup.controllers'));
  const passed = new Set(await words(join(path, 'cgroup.subtree_control')));
  const wanted = available.filter((each) => !passed.has(each));
  if (wanted.length === 0) return;
  await writeFile(join(path, 'cgroup.subtree_control'), wanted.map((each) => `+${each}`).join(' ')).catch(
    (error: unknown) => {
      const message =
        `The cgroup ${path} cannot pass on ${wanted.join(', ')}, because processes are in it: ` +
        'move them into one below it, or start the cluster on the host itself.';
      throw new CgroupError('controllers', message, { cause: error });
    },
  );
}

async function make(hierarchy: Hierarchy, path: string): Promise<void> {
  await mkdir(path, { recursive: true });
  if (hierarchy.controllers.includes('cpuset')) await fillCpuset(path);
}

/** Kills every process in the cgroup or below, until there is none. @throws CgroupError `busy` */
async function killAll(path: string): Promise<void> {
  const deadline = performance.now() + EMPTY_TIMEOUT_MS;
  for (;;) {
    const lists = await Promise.all((await tree(path)).map((each) => words(join(each, 'cgroup.procs'))));
    const pids = lists.flat().map(Number);
    if (pids.length === 0) return;
    // Those of a namespace that we do not see into read as 0.
    for (const pid of pids) if (pid > 1 && pid !== process.pid) kill(pid);
    if (performance.now() > deadline) {
      throw new CgroupError('busy', `Processes in ${path} do not end: ${pids.join(', ')}`);
    }
    await delay(POLL_MS);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Removes them, the deepest first; one that the kernel still holds is tried again. */
async function removeAll(cgroups: readonly string[]): Promise<void> {
  const deadline = performance.now() + EMPTY_TIMEOUT_MS;
  for (const path of cgroups) {
    for (;;) {
      try {
        await rmdir(path);
        break;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'ENOENT') break;
        if (code !== 'EBUSY' || performance.now() > deadline) throw error;
        await delay(POLL_MS);
      }
    }
  }
}

/** None where there are no cgroups. */
const hierarchiesHere = async (): Promise<Hierarchy[]> =>
  parseHierarchies(await readFile('/proc/self/mounts', 'utf8').catch(() => ''));

/** See the head of this file. */
export class ClusterCgroups {
  readonly #name: string;
  readonly #hierarchies: readonly Hierarchy[];

  constructor(cluster: string, hierarchies: readonly Hierarchy[]) {
    this.#name = cgroupName(cluster);
    this.#hierarchies = hierarchies;
  }

  /** Of this machine as it is now. */
  static async open(cluster: string): Promise<ClusterCgroups> {
    return new ClusterCgroups(cluster, await hierarchiesHere());
  }

  /** Makes the cgroup of one machine in every hierarchy. @returns its path below their mounts */
  async prepare(machine: string): Promise<string> {
    for (const hierarchy of this.#hierarchies) {
      const parent = join(hierarchy.path, this.#name);
      if (hierarchy.version === 2) await passControllersOn(hierarchy.path);
      await make(hierarchy, parent);
      if (hierarchy.version === 2) await passControllersOn(parent);
      await make(hierarchy, join(parent, machine));
    }
    return `/${this.#name}/${machine}`;
  }

  /** Makes the cgroup for the harness itself. @returns the files that a process writes 0 to in order to enter it */
  async prepareHarness(): Promise<string[]> {
    await this.prepare(HARNESS);
    return this.#at(HARNESS).map((path) => join(path, 'cgroup.procs'));
  }

  /** Ends what is in the cgroup of a machine and removes what is below it. */
  async empty(machine: string): Promise<void> {
    for (const path of this.#at(machine)) {
      await killAll(path);
      await removeAll((await tree(path)).slice(0, -1));
    }
  }

  /** Ends what is in any of them and removes them. @returns whether there were any */
  async remove(): Promise<boolean> {
    let found = false;
    for (const path of this.#at('.')) {
      if (!(await exists(path))) continue;
      found = true;
      await killAll(path);
      await removeAll(await tree(path));
    }
    return found;
  }

  /** Whether there are any. */
  async exist(): Promise<boolean> {
    return (await Promise.all(this.#at('.').map(exists))).includes(true);
  }

  #at(below: string): string[] {
    return this.#hierarchies.map(({ path }) => join(path, this.#name, below));
  }
}

/** Names of the clusters that have cgroups here. */
export async function clustersWithCgroups(): Promise<string[]> {
  const hierarchies = await hierarchiesHere();
  const prefix = cgroupName('');
  const names = await Promise.all(hierarchies.map(({ path }) => readdir(path).catch(() => [])));
  const ours = names.flat().filter((each) => each.startsWith(prefix));
  return [...new Set(ours.map((each) => each.slice(prefix.length)))];
}
