/**
 * `npm run bundle`: one CommonJS file a program, under dist. The agent runs on every node and may use nothing but what
 * Node has built in; a package in its bundle is an error.
 */
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { builtinModules } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const BUILT_IN = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));

/** Entry, output, and whether packages may be in it; paths from the root of the repository. */
export interface Program {
  entry: string;
  file: string;
  packages: boolean;
}

export const AGENT: Program = { entry: 'src/cmd/agent.ts', file: 'dist/agent.cjs', packages: false };
/** Controller and API server. */
export const OPERATOR: Program = { entry: 'src/cmd/brupop.ts', file: 'dist/brupop.cjs', packages: true };

/** What of a bundle comes from packages. */
const packagesIn = (moduleIds: readonly string[]): string[] => [
  ...new Set(moduleIds.flatMap((id) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(id)?.[1] ?? [])),
];

/** A program in one file. */
export interface Bundle {
  code: string;
  /** Paths of the modules that are in it. */
  moduleIds: string[];
}

/**
 * Bundles one program in memory; nothing in it tells where the repository lies.
 * @throws Error when something is in it that may not be
 */
export async function bundleOf({ entry, file, packages }: Program): Promise<Bundle> {
  const build = await rolldown({
    cwd: ROOT,
    input: join(ROOT, entry),
    platform: 'node',
    external: (id) => BUILT_IN.has(id),
    // Of its thousands of generated classes only those are loaded that something refers to.
    treeshake: { moduleSideEffects: (id) => !id.includes('/@kubernetes/client-node/') },
    logLevel: 'warn',
  });
  try {
    const { output } = await build.generate({
      format: 'cjs',
      codeSplitting: false,
      // One character beyond Latin-1 would make Node keep the whole text in memory at two bytes a character.
      charset: 'ascii',
      comments: { legal: true, annotation: false, jsdoc: false },
      minify: { compress: true, mangle: false, codegen: { removeWhitespace: false } },
    });
    const [chunk] = output;
    const strangers = [...chunk.imports, ...chunk.dynamicImports].filter((id) => !BUILT_IN.has(id));
    if (strangers.length > 0) throw new Error(`${file} needs ${strangers.join(', ')} at run time`);
    const found = packagesIn(chunk.moduleIds);
    if (!packages && found.length > 0) throw new Error(`${file} contains packages: ${found.join(', ')}`);
    return { code: chunk.code, moduleIds: chunk.moduleIds };
  } finally {
    await build.close();
  }
}

/** Bundles one program into its file. @returns its size in bytes. @throws Error when something is in it that may not be. */
export async function bundle(program: Program): Promise<number> {
  const { code } = await bundleOf(program);
  const path = join(ROOT, program.file);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, code);
  return Buffer.byteLength(code);
}

if (import.meta.main) {
  for (const program of [AGENT, OPERATOR]) {
    // The other programs are bundled as soon as there are any.
    if (!existsSync(join(ROOT, program.entry))) continue;
    console.log(`${program.file}: ${Math.round((await bundle(program)) / 1024)} KiB`);
  }
}
