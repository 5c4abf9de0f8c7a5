/** `npm run dev`: a cluster to try the operator on. */
import { parseArgs } from 'node:util';
import { locatePrograms } from './programs/controlplane.ts';
import { ProgramsError } from './programs/errors.ts';
import { startWorld, type World } from './dev/world.ts';

const HELP = `npm run dev [-- --nodes N --version V --releases V,V]

Starts a real Kubernetes control plane on loopback, N simulated Bottlerocket hosts (5), each with its own agent, and
the operator: two controllers and two API servers, each a process. Ctrl-C ends all of it and leaves nothing behind.

  --nodes N          Bottlerocket nodes (5)
  --version V        what they run at first (1.40.0)
  --releases V,V     what their repository offers (1.40.0,1.41.0,1.42.0)
  --no-workloads     without the sample workloads
`;

const OPTIONS = {
  nodes: { type: 'string', default: '5' },
  version: { type: 'string', default: '1.40.0' },
  releases: { type: 'string', default: '1.40.0,1.41.0,1.42.0' },
  'no-workloads': { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** What to try, in the order one would. */
const invitation = ({ cluster }: World): string => `
The cluster is ready. In another terminal:

  export KUBECONFIG=${cluster.facts.kubeconfig}
  kubectl get nodes
  kubectl apply -f config/samples/dev.yaml
  kubectl get upol,brs -A -w
  kubectl describe upol
  kubectl explain upol.spec.maintenanceWindows
  kubectl get events -A -w

kubectl of the same version: ${cluster.facts.kubectl}
Logs of every process: ${cluster.logDir}
Ctrl-C ends everything.
`;

/** Resolves at the first SIGINT, SIGTERM or SIGHUP; more of them change nothing, since the end is under way. */
function untilInterrupted(stop: AbortController): Promise<void> {
  return new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(name, () => {
        stop.abort(new Error('Interrupted'));
        resolve();
      });
    }
  });
}

const progress = (line: string): void => console.error(line);

async function main(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const nodes = Number(values.nodes);
  if (!Number.isInteger(nodes) || nodes < 1 || nodes > 50)
    throw new Error('--nodes is a number from 1 to 50');
  const stop = new AbortController();
  const interrupted = untilInterrupted(stop);

  const programs = await locatePrograms({ progress, signal: stop.signal });
  const world = await startWorld({
    programs,
    nodes,
    version: values.version,
    releases: values.releases.split(','),
    workloads: !values['no-workloads'],
    progress,
    signal: stop.signal,
  });
  console.log(invitation(world));
  await interrupted;
  progress('Ending everything');
  await world.stop();
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  const { message } = error as Error;
  console.error(message === 'Interrupted' || error instanceof ProgramsError ? message : error);
  process.exitCode = 1;
}
