/** Which libraries a program needs, and whether they are there: what the dynamic linker would find out too late. */
import type { FileTree } from '../archive/filetree.ts';
import type { ReadEntry } from '../archive/read.ts';
import { ImageError } from '../errors.ts';
import type { Platform } from '../platforms.ts';
import { isElf, readElf, type Elf } from './elf.ts';

export interface Program {
  /** For messages. */
  name: string;
  elf: Elf;
}

const TRIPLETS = { amd64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' } as const;

/** Where glibc looks without being told, on Debian and elsewhere. */
const directoriesOf = ({ architecture }: Platform): string[] => [
  `lib/${TRIPLETS[architecture]}`,
  `usr/lib/${TRIPLETS[architecture]}`,
  'lib64',
  'usr/lib64',
  'lib',
  'usr/lib',
];

/** The loader of glibc names itself as a library. */
const fileNameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

interface Found {
  entry: ReadEntry;
  links: ReadEntry[];
  elf: Elf;
}

function find(tree: FileTree, platform: Platform, paths: readonly string[]): Found | undefined {
  for (const path of paths) {
    const found = tree.resolve(path);
    const content = found?.entry.content;
    if (found === undefined || content === undefined || !isElf(content)) continue;
    const elf = readElf(content);
    // Like the linker, pass over what is for another machine.
    if (elf.machine === platform.elfMachine) return { ...found, elf };
  }
  return undefined;
}

const lacking = (message: string): ImageError => new ImageError('library', message);

function checkVersions(program: Program, found: ReadonlyMap<string, Found>): void {
  for (const [library, versions] of program.elf.wants) {
    const has = found.get(library)?.elf.has;
    const missing = [...versions].filter((version) => has?.has(version) !== true);
    if (missing.length === 0) continue;
    throw lacking(
      `${program.name} needs ${missing.join(', ')} of ${library}, and the one that is there is too old for it.`,
    );
  }
}

/**
 * The files and links that a program and its libraries need, by path.
 * @param tree with the content of the libraries
 * @throws ImageError when one is missing, for another machine, or too old
 */
export function closure(tree: FileTree, platform: Platform, program: Program): Map<string, ReadEntry> {
  if (program.elf.machine !== platform.elfMachine)
    throw lacking(`${program.name} is not for ${platform.name}.`);
  const found = new Map<string, Found>();
  const programs: Program[] = [program];
  const look = (name: string, paths: readonly string[], wantedBy: string): void => {
    if (found.has(name)) return;
    const library = find(tree, platform, paths);
    if (library === undefined)
      throw lacking(`${wantedBy} needs ${name} for ${platform.name}, which is not there.`);
    found.set(name, library);
    programs.push({ name: library.entry.path, elf: library.elf });
  };
  const { interpreter } = program.elf;
  if (interpreter !== undefined) look(fileNameOf(interpreter), [interpreter], program.name);
  for (const { name, elf } of programs) {
    for (const needed of elf.needed) {
      look(
        needed,
        directoriesOf(platform).map((directory) => `${directory}/${needed}`),
        name,
      );
    }
  }
  for (const each of programs) checkVersions(each, found);
  return new Map(
    [...found.values()].flatMap(({ entry, links }) =>
      [entry, ...links].map((each): [string, ReadEntry] => [each.path, each]),
    ),
  );
}
