/** Which layer may import which (docs/architecture.md). */

const SIDE_BY_SIDE = ['runtime', 'api', 'policy', 'protocol'];

/** Folders of `src`, lowest first, each with the folders below it. */
export const LAYERS: Record<string, readonly string[]> = {
  runtime: [],
  api: ['runtime'],
  policy: ['runtime', 'api'],
  protocol: ['runtime', 'api', 'policy'],
  controllers: SIDE_BY_SIDE,
  apiserver: SIDE_BY_SIDE,
  agent: SIDE_BY_SIDE,
  sim: SIDE_BY_SIDE,
  cli: [...SIDE_BY_SIDE, 'controllers', 'apiserver', 'agent', 'sim'],
  cmd: [...SIDE_BY_SIDE, 'controllers', 'apiserver', 'agent', 'sim', 'cli'],
};

/** Layers that know neither time nor input and output; so do all files called plan.ts. */
export const PURE_LAYERS = ['policy', 'protocol'];

/** `controllers` of `src/controllers/drain/plan.ts`; undefined outside of `src`. */
export const layerOf = (path: string): string | undefined => /^src\/([^/]+)\//.exec(path)?.[1];

/** What only some files may use, and which. */
export const RESERVED = {
  clock: {
    files: ['src/runtime/clock.ts', 'src/sim/clock.ts'],
    remedy: 'take a Clock as an argument',
  },
  random: { files: ['src/cmd/'], remedy: 'take Random as an argument' },
  process: {
    files: ['src/cmd/', 'src/runtime/config.ts', 'src/runtime/process.ts'],
    remedy: 'take what you need as an argument',
  },
} as const;
