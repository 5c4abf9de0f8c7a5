import { execFile } from 'node:child_process';
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { withDirectory } from '../oci/image.fixture.ts';

const run = promisify(execFile);

/** Says which program was loaded, with which arguments, and what else is loaded. */
const program = (name: string): string =>
  `console.log(JSON.stringify(['${name}', process.argv[1].endsWith('${name}.cjs'), process.argv.slice(2), module.children.length]))`;

/** What is started by these arguments of a container. */
const started = (...args: string[]): Promise<unknown> =>
  withDirectory(async (directory) => {
    const launcher = join(directory, 'main.cjs');
    await copyFile(join(import.meta.dirname, 'launcher.cjs'), launcher);
    for (const name of ['agent', 'brupop']) await writeFile(join(directory, `${name}.cjs`), program(name));
    return JSON.parse((await run(process.execPath, [launcher, ...args])).stdout) as unknown;
  });

describe('the argument of a container', () => {
  test.each<[string[], string, string[]]>([
    [['agent'], 'agent', []],
    [['agent', '--log-level=debug'], 'agent', ['--log-level=debug']],
    [['controller'], 'brupop', ['controller']],
    [['apiserver', '--help'], 'brupop', ['apiserver', '--help']],
    [['--version'], 'brupop', ['--version']],
    [[], 'brupop', []],
  ])('%j starts %s', async (args, name, passed) => {
    expect(await started(...args)).toEqual([name, true, passed, 0]);
  });
});
