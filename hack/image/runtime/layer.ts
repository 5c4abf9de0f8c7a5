/** The runtime layer: Node, what it needs of Debian, and their licences. Changes only with the lock file. */
import { directory, file, symlink, type TarEntry } from '../archive/write.ts';
import type { FileTree } from '../archive/filetree.ts';
import type { ReadEntry } from '../archive/read.ts';
import type { Platform } from '../platforms.ts';
import { paragraph } from './apt.ts';
import { treeOf, type UnpackedPackage } from './debian.ts';
import { closure } from './libraries.ts';
import type { UnpackedNode } from './node.ts';

/** Where Node is in the image: a place that no distribution uses, so that it goes beside the Node of a base. */
export const NODE_PATH = 'opt/node/bin/node';
/** One file with all CA roots, where Debian has it. */
export const CA_BUNDLE = 'etc/ssl/certs/ca-certificates.crt';
/** The user of the image; nothing in it belongs to him. */
export const USER_ID = 65_532;

/** Resolves names by /etc/hosts and DNS with what is in glibc itself. */
const NSSWITCH = 'passwd: files\ngroup: files\nhosts: files dns\n';
const PASSWD = [
  'root:x:0:0:root:/:/nonexistent',
  `brupop:x:${USER_ID}:${USER_ID}:brupop:/:/nonexistent`,
  'nobody:x:65534:65534:nobody:/:/nonexistent',
];
const GROUP = ['root:x:0:', `brupop:x:${USER_ID}:`, 'nogroup:x:65534:'];

const lines = (all: readonly string[]): string => `${all.join('\n')}\n`;

function toEntry(entry: ReadEntry): TarEntry {
  if (entry.type === 'symlink') return symlink(entry.path, entry.target ?? '');
  return file(entry.path, entry.content ?? Buffer.alloc(0), entry.mode);
}

/** Node by itself, for an image that has a base. */
export const nodeEntries = ({ binary, licence }: UnpackedNode): TarEntry[] => [
  file(NODE_PATH, binary, 0o755),
  file('opt/node/LICENSE', licence),
];

const ROOTS = /^usr\/share\/ca-certificates\/.*\.crt$/;

/** The roots in one file, as `update-ca-certificates` makes it. */
function caBundle(tree: FileTree): TarEntry {
  const roots = [...tree.values()]
    .filter(({ path, content }) => ROOTS.test(path) && content !== undefined)
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  return file(CA_BUNDLE, roots.map(({ content }) => content?.toString().trimEnd()).join('\n') + '\n');
}

const LEGAL = /^usr\/share\/(?:doc\/[^/]+\/copyright|common-licenses\/[^/]+)$/;
/** Documentation of one package that is that of another. */
const LEGAL_LINK = /^usr\/share\/doc\/[^/]+$/;

const legal = (tree: FileTree): ReadEntry[] =>
  [...tree.values()].filter(
    ({ path, type }) =>
      (LEGAL.test(path) && (type === 'file' || type === 'symlink')) ||
      (LEGAL_LINK.test(path) && type === 'symlink'),
  );

/** What scanners look for to know which packages an image is made of, where there is no package manager. */
const records = (packages: readonly UnpackedPackage[]): TarEntry[] =>
  packages.map(({ control }) => {
    const name = paragraph(control).get('Package') ?? '';
    return file(`var/lib/dpkg/status.d/${name}`, `${control.trimEnd()}\n`);
  });

const OS_RELEASE = 'usr/lib/os-release';

/** Mount points, so that a runtime has to make none, and what a person may look for. */
const SKELETON: readonly TarEntry[] = [
  directory('dev'),
  directory('proc'),
  directory('run'),
  directory('sys'),
  directory('tmp', 0o1777),
  symlink('var/run', '../run'),
  symlink('etc/os-release', '../usr/lib/os-release'),
  file('etc/nsswitch.conf', NSSWITCH),
  file('etc/passwd', lines(PASSWD)),
  file('etc/group', lines(GROUP)),
];

export interface RuntimeParts {
  platform: Platform;
  node: UnpackedNode;
  packages: readonly UnpackedPackage[];
}

/** @throws ImageError when Node would not start with these packages */
export function runtimeEntries({ platform, node, packages }: RuntimeParts): TarEntry[] {
  const tree = treeOf(packages);
  const libraries = closure(tree, platform, { name: 'Node', elf: node.elf });
  // The links that /lib and /lib64 are come from the tree, as far as they are used.
  const osRelease = tree.get(OS_RELEASE);
  const taken = new Map([
    ...libraries,
    ...legal(tree).map((entry): [string, ReadEntry] => [entry.path, entry]),
  ]);
  if (osRelease !== undefined) taken.set(OS_RELEASE, osRelease);
  return [
    ...nodeEntries(node),
    ...SKELETON,
    ...[...taken.values()].map(toEntry),
    caBundle(tree),
    ...records(packages),
  ];
}
