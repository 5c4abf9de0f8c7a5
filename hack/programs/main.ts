/** `npm run programs`: finds or builds the programs of test clusters and prints where they are. */
import { locatePrograms } from './controlplane.ts';
import { ProgramsError } from './errors.ts';
import { locateMachinePrograms } from './machine.ts';

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort());
const options = { progress: (line: string) => console.error(line), signal: interrupted.signal };

try {
  // One after the other: both would build the same packages of Kubernetes otherwise.
  const controlPlane = await locatePrograms(options);
  const machine = await locateMachinePrograms(options);
  for (const path of Object.values({ ...controlPlane, ...machine })) console.log(path);
} catch (error) {
  if (!(error instanceof ProgramsError) && !interrupted.signal.aborted) throw error;
  console.error(interrupted.signal.aborted ? 'Interrupted' : (error as Error).message);
  process.exitCode = 1;
}
