/** What is in Debian packages. */
import { output, reading } from '../command.ts';
import { FileTree } from '../archive/filetree.ts';
import { readTar, type ReadEntry } from '../archive/read.ts';

/** Where Debian is going and other distributions are: `/lib` is a link into `/usr`. */
const MERGED = /^(?:lib|lib64|bin|sbin)(?=\/|$)/;

const merged = (path: string): string => path.replace(MERGED, 'usr/$&');

/** An absolute link still leads to the same file when a parent of it was moved. */
const relocated = (entry: ReadEntry): ReadEntry => {
  const path = merged(entry.path);
  if (entry.target === undefined || !entry.target.startsWith('/')) return { ...entry, path };
  return { ...entry, path, target: `/${merged(entry.target.slice(1))}` };
};

export interface UnpackedPackage {
  /** Its control file. */
  control: string;
  /** Its files, below `/usr` where it still has them above. */
  files: ReadEntry[];
}

async function filesOf(archive: AsyncIterable<Uint8Array>): Promise<ReadEntry[]> {
  const files: ReadEntry[] = [];
  for await (const entry of readTar(archive)) files.push(relocated(entry));
  return files;
}

export async function unpackDebian(path: string, signal: AbortSignal): Promise<UnpackedPackage> {
  const control = (await output(['dpkg-deb', '--field', path], { signal })).toString();
  return { control, files: await reading(['dpkg-deb', '--fsys-tarfile', path], filesOf, { signal }) };
}

/** Files of all packages in one tree, with the links that `/lib` and its like are. */
export function treeOf(packages: readonly UnpackedPackage[]): FileTree {
  const tree = new FileTree();
  for (const { files } of packages) files.forEach((entry) => tree.add(entry));
  for (const path of ['lib', 'lib64']) {
    tree.add({ path, type: 'symlink', mode: 0o777, bytes: 0, target: `usr/${path}` });
  }
  return tree;
}
