/** `npm run programs`: finds or builds the programs of the test control plane and prints where they are. */
import { locatePrograms, ProgramsError } from './controlplane/programs.ts';

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort());

try {
  const programs = await locatePrograms({
    progress: (line) => console.error(line),
    signal: interrupted.signal,
  });
  for (const path of Object.values(programs)) console.log(path);
} catch (error) {
  if (!(error instanceof ProgramsError) && !interrupted.signal.aborted) throw error;
  console.error(interrupted.signal.aborted ? 'Interrupted' : (error as Error).message);
  process.exitCode = 1;
}
