/** Asks apt of this machine, with its own sources and proxies; a state of our own keeps it apart from the system's. */
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { output } from '../command.ts';

export interface Apt {
  run(program: 'apt-get' | 'apt-cache', args: readonly string[]): Promise<string>;
}

/** Lists of another architecture, without touching what the system knows. */
export async function privateApt(
  directory: string,
  architecture: string,
  signal?: AbortSignal,
): Promise<Apt> {
  const at = (...names: string[]): string => join(directory, architecture, ...names);
  await mkdir(at('lists', 'partial'), { recursive: true });
  await mkdir(at('cache', 'archives', 'partial'), { recursive: true });
  await writeFile(at('status'), '');
  // apt fetches as a user of its own, who has to get there.
  await chmod(directory, 0o755);
  const options = [
    `Dir::State=${at()}`,
    `Dir::State::Lists=${at('lists')}`,
    `Dir::State::status=${at('status')}`,
    `Dir::Cache=${at('cache')}`,
    `APT::Architecture=${architecture}`,
    `APT::Architectures::=${architecture}`,
    'Acquire::Languages=none',
    'Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false',
  ].flatMap((option) => ['-o', option]);
  return {
    run: async (program, args) => (await output([program, ...options, ...args], { signal })).toString(),
  };
}

/** The roots of this machine's package mirrors, as apt would ask them. */
export async function mirrors(signal?: AbortSignal): Promise<string[]> {
  const listed = await output(
    ['apt-get', 'indextargets', '--format', '$(REPO_URI)', 'Created-By: Packages'],
    {
      signal,
    },
  );
  return [
    ...new Set(
      listed
        .toString()
        .split('\n')
        .filter((line) => line !== ''),
    ),
  ];
}

/** Fields of one paragraph as `apt-cache show` prints it; continued lines are left out. */
export function paragraph(text: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of (text.trim().split('\n\n')[0] ?? '').split('\n')) {
    const colon = line.indexOf(':');
    if (colon > 0 && !line.startsWith(' ')) fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return fields;
}
