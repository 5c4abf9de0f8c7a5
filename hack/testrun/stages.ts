/** The stages of `npm test`, in order, and those that run only when they are named. */

export interface Stage {
  name: string;
  /** For `--help`. */
  does: string;
  /** Tool of node_modules or script of ours, and its arguments. */
  command: readonly [tool: string, ...args: string[]];
  /** A vitest run is counted by its tests; anything else is one test. @default false */
  vitest?: boolean;
  /** Waits until the programs of the control plane are there. @default false */
  needsPrograms?: boolean;
  /** And for those of machines: kubelet, containerd and others. @default false */
  needsMachines?: boolean;
  /** Runs beside the others, after those before it of its kind: it mostly waits. @default false */
  beside?: boolean;
  /** Runs only when it is named: it needs root, or takes long. @default false */
  apart?: boolean;
  /** The stage has failed when it takes longer. @default 15 minutes */
  timeoutMs?: number;
}

const vitest = (name: string, does: string, projects: string[]): Stage => ({
  name,
  does,
  command: ['vitest', 'run', ...projects.flatMap((project) => ['--project', project])],
  vitest: true,
});

export const STAGES: readonly Stage[] = [
  {
    name: 'format',
    does: 'every file is formatted',
    command: ['prettier', '--check', '--log-level=warn', '.'],
  },
  { name: 'lint', does: 'lint rules, with types', command: ['oxlint', '--type-aware'] },
  { name: 'types', does: 'TypeScript', command: ['tsc', '-p', '.'] },
  { name: 'unused', does: 'unused files, exports and dependencies', command: ['knip'] },
  {
    name: 'generated',
    does: 'generated files are those that their sources give',
    command: ['hack/generate/main.ts', '--check'],
  },
  vitest('unit', 'pure functions, import boundaries, health scripts of Argo CD', ['unit']),
  vitest('model', 'the protocol, exhaustively', ['model']),
  vitest('sim', 'the whole system on a virtual clock', ['sim']),
  vitest('fuzz', 'texts from outside: hosts, agents, people', ['fuzz']),
  {
    name: 'demo',
    does: 'a small demo runs to its end',
    command: ['src/cmd/demo.ts', '--nodes', '3', '--json'],
  },
  {
    name: 'image',
    does: 'the image, as skopeo, umoci, runc and a registry see it; needs root',
    command: ['vitest', 'run', '--project', 'image', '--no-file-parallelism'],
    vitest: true,
    apart: true,
  },
  {
    ...vitest('api', 'contract of the Kubernetes port, envtest and random calls, against a real API server', [
      'contract',
      'envtest',
      'differential',
    ]),
    needsPrograms: true,
  },
  {
    name: 'e2e',
    does: 'all processes, with real tokens, TLS and drains',
    // The files share one cluster, and each of them has it to itself.
    command: ['vitest', 'run', '--project', 'e2e', '--no-file-parallelism'],
    vitest: true,
    needsPrograms: true,
    beside: true,
  },
  {
    name: 'seeds',
    does: '10,000 stories in which things go wrong, each drawn from a seed',
    command: ['src/cmd/sim.ts', '--seeds', '10000'],
    apart: true,
    timeoutMs: 45 * 60_000,
  },
  {
    name: 'cluster',
    does: 'the real cluster comes up, goes down and leaves nothing; needs root',
    command: ['vitest', 'run', '--project', 'cluster', '--no-file-parallelism'],
    vitest: true,
    needsPrograms: true,
    needsMachines: true,
    apart: true,
  },
  {
    name: 'rollouts',
    does: 'our image and manifests on real kubelets that really reboot; needs root',
    command: ['vitest', 'run', '--project', 'stories', '--maxWorkers=2'],
    vitest: true,
    needsPrograms: true,
    needsMachines: true,
    apart: true,
    timeoutMs: 30 * 60_000,
  },
];
