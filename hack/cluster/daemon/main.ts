/** The daemon of a cluster, started by pid 1 of its outer namespaces with the state directory as its argument. */
import { rm } from 'node:fs/promises';
import { paths } from '../layout.ts';
import { readSpec } from '../spec.ts';
import { Cluster } from './cluster.ts';
import { Progress } from './progress.ts';
import { serve } from './server.ts';

/** Long enough for the reply that names the cause to be read. */
const LAST_WORDS_MS = 1000;

async function main(dir: string): Promise<void> {
  const spec = await readSpec(dir);
  if (spec === undefined) throw new Error(`${paths(dir).spec} cannot be read`);
  const progress = new Progress((line) => console.log(new Date().toISOString(), line));
  const cluster = new Cluster(spec, (line) => progress.say(line));
  cluster.watch((event) => console.log(new Date(event.at).toISOString(), JSON.stringify(event)));
  await rm(paths(dir).socket, { force: true });
  const up = Promise.withResolvers<void>();
  await serve(
    {
      cluster,
      ready: async (listener) => {
        const stop = progress.follow(listener);
        await up.promise.finally(stop);
      },
    },
    paths(dir).socket,
  );
  up.promise.catch((error: unknown) => {
    console.error(error);
    // The kernel ends everything else when pid 1 notices.
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), LAST_WORDS_MS);
  });
  cluster.start().then(up.resolve, up.reject);
}

await main(process.argv[2] ?? '');
