/** For a while the Kubernetes API answers some calls wrongly, late or not at all. */
import { KubernetesError } from '../../../runtime/kubernetes.ts';
import type { Fault } from '../../cluster/call.ts';
import { pick, randomInt } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';

/** Name → what happens to a call. */
const API_FAULTS = {
  loseResponse: { loseResponse: true },
  loseRequest: { loseRequest: true },
  internalError: { error: new KubernetesError('server', 'internal error', { status: 500 }) },
  throttled: { error: new KubernetesError('throttled', 'slow down', { status: 429, retryAfterMs: 1000 }) },
  unavailable: { error: new KubernetesError('server', 'apiserver not ready', { status: 503 }) },
  throttledLong: {
    error: new KubernetesError('throttled', 'slow down', { status: 429, retryAfterMs: 60_000 }),
  },
  conflict: { error: new KubernetesError('conflict', 'conflict', { status: 409 }) },
  late: { requestDelayMs: 3_000, responseDelayMs: 3_000 },
  /** The caller has given up by the time the request is carried out. */
  tooLate: { requestDelayMs: 14_000 },
  /** It is carried out at once, and the answer is not waited for. */
  answerTooLate: { responseDelayMs: 40_000 },
  watchCut: { cutAfterMs: 5_000 },
  watchStalls: { stallAfterMs: 3_000 },
} as const satisfies Record<string, Fault>;
type ApiFaultName = keyof typeof API_FAULTS;

const NAMES = Object.keys(API_FAULTS) as ApiFaultName[];
/** The double of a kubelet neither watches over its watch nor expects conflicts of a delete. */
const NOT_FOR_KUBELETS: ReadonlySet<ApiFaultName> = new Set(['watchStalls', 'conflict', 'throttledLong']);

export interface ApiFaults extends EventBase {
  type: 'apiFaults';
  forMs: number;
  /** Share of the calls that are hit. */
  rate: number;
  faults: ApiFaultName[];
}

export const apiFaults: EventKind<ApiFaults> = {
  type: 'apiFaults',
  weight: 4,
  toleranceMs: 20_000,
  draw: (random) => ({
    forMs: 10_000 + randomInt(random, 600_000),
    rate: pick(random, [0.03, 0.08, 0.2, 0.5, 1]),
    faults: NAMES.filter(() => random() < 0.4),
  }),
  apply: (event, stage) => {
    // A kubelet that gets nothing through loses its node, whoever is updated.
    const forKubelets = event.faults.filter((name) => event.rate < 1 && !NOT_FOR_KUBELETS.has(name));
    const remove = stage.addFaults(({ client }) => {
      const names = client.startsWith('kubelet') ? forKubelets : event.faults;
      if (names.length === 0 || stage.random() >= event.rate) return undefined;
      return API_FAULTS[pick(stage.random, names)];
    });
    stage.clock.after(event.forMs, remove);
    stage.onCalm(remove);
  },
  tell: ({ rate, forMs, faults }) =>
    `${Math.round(rate * 100)} % of the calls to the Kubernetes API go wrong for ${Math.round(forMs / 1000)} s: ${faults.join(', ') || 'in no way'}`,
};
