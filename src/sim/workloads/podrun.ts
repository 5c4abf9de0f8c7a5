/** One pod on the machine of a KubeletDouble, from its start to its end. */
import { type Pod, Pods } from '../../api/core.ts';
import { rfc3339, type Clock } from '../../runtime/clock.ts';
import { isKubernetesError, type KubernetesPort } from '../../runtime/kubernetes.ts';
import { sleepUnlessAborted } from '../../runtime/timers.ts';

export interface PodRunOptions {
  port: KubernetesPort;
  clock: Clock;
  /** From binding to running. */
  startMs: number;
  /** From running to its end by itself. @default never */
  runMs?: number;
  /** Whether what it needs besides is there. @default it is */
  mayStart?: (pod: Pod) => boolean;
  /** From the wish to end to the end, at most the grace period of the pod. */
  stopMs: number;
  /** Whether a running pod is ready. */
  probe: (pod: Pod) => boolean;
  probeEveryMs: number;
  onStarted: (pod: Pod) => void;
  /** Has to resolve within the grace period of the pod. */
  onStopping?: (pod: Pod) => Promise<void>;
  onStopped: (pod: Pod, cause: 'deleted' | 'powerOff') => void;
}

const RETRY_MS = 1_000;
/** How often `mayStart` is asked. */
const MAY_START_MS = 2_000;

/** Written for the machine's present boot; another boot is another run. */
export class PodRun {
  readonly #options: PodRunOptions;
  readonly #signal: AbortSignal;
  #pod: Pod;
  #state: 'starting' | 'running' | 'finished' | 'stopping' | 'ended' = 'starting';
  #ready = false;

  /** @param signal aborts at a power cut */
  constructor(pod: Pod, options: PodRunOptions, signal: AbortSignal) {
    this.#pod = pod;
    this.#options = options;
    this.#signal = signal;
  }

  /** Starts the pod and probes it until it ends. */
  async run(): Promise<void> {
    const { clock, startMs, probeEveryMs, onStarted, mayStart = () => true, runMs } = this.#options;
    await this.#sleep(startMs);
    while (!this.#isOver('starting') && !mayStart(this.#pod)) await this.#sleep(MAY_START_MS);
    if (this.#isOver('starting')) return;
    this.#state = 'running';
    onStarted(this.#pod);
    const endsMs = clock.monotonic() + (runMs ?? Number.POSITIVE_INFINITY);
    while (!this.#isOver('running')) {
      this.#ready = this.#options.probe(this.#pod);
      await this.#report();
      const leftMs = endsMs - clock.monotonic();
      if (leftMs <= 0) return this.#finish();
      await sleepUnlessAborted(clock, Math.min(probeEveryMs, leftMs), this.#signal);
    }
  }

  /** It has done what it was for. */
  async #finish(): Promise<void> {
    if (this.#isOver('running')) return;
    this.#state = 'finished';
    this.#options.onStopped(this.#pod, 'deleted');
    const { name, namespace, uid } = this.#pod.metadata;
    const conditions = (this.#pod.status?.conditions ?? []).map((condition) =>
      ['Ready', 'ContainersReady'].includes(condition.type) ? { ...condition, status: 'False' } : condition,
    );
    await this.#persist(() =>
      this.#options.port.patch(
        Pods,
        { name, ...(namespace !== undefined && { namespace }) },
        { metadata: { uid }, status: { phase: 'Succeeded', conditions } },
        { subresource: 'status' },
      ),
    );
  }

  /** The pod as the API now shows it. */
  update(pod: Pod): void {
    this.#pod = pod;
    if (pod.metadata.deletionTimestamp !== undefined) void this.#stop();
    else if (this.#state === 'running' && !this.#isShown()) void this.#report();
  }

  /** The object is gone: nothing is left to write. */
  gone(): void {
    this.#end('deleted');
  }

  powerOff(): void {
    this.#end('powerOff');
  }

  async #stop(): Promise<void> {
    if (this.#state === 'stopping' || this.#state === 'ended') return;
    const { stopMs, port } = this.#options;
    const { name, namespace, uid } = this.#pod.metadata;
    const { deletionGracePeriodSeconds } = this.#pod.metadata as { deletionGracePeriodSeconds?: number };
    const wasRunning = this.#state === 'running';
    const isFinished = this.#state === 'finished';
    this.#state = 'stopping';
    const { terminationGracePeriodSeconds = 30 } = this.#pod.spec ?? {};
    const graceMs = (deletionGracePeriodSeconds ?? terminationGracePeriodSeconds) * 1000;
    const stopping = wasRunning ? this.#options.onStopping?.(this.#pod) : undefined;
    if (!isFinished) await this.#sleep(Math.min(stopMs, graceMs));
    if (stopping !== undefined) await stopping;
    if (this.#signal.aborted) return;
    if (wasRunning) this.#options.onStopped(this.#pod, 'deleted');
    this.#state = 'ended';
    await this.#persist(() =>
      port.delete(
        Pods,
        { name, ...(namespace !== undefined && { namespace }) },
        { gracePeriodSeconds: 0, ...(uid !== undefined && { uid }) },
      ),
    );
  }

  #end(cause: 'deleted' | 'powerOff'): void {
    const wasRunning = this.#state === 'running' || this.#state === 'stopping';
    this.#state = 'ended';
    if (wasRunning) this.#options.onStopped(this.#pod, cause);
  }

  /** Writes what the pod is, unless the API shows it already. */
  async #report(): Promise<void> {
    await this.#persist(async () => {
      if (this.#isShown() || this.#state !== 'running') return;
      const { name, namespace } = this.#pod.metadata;
      this.#pod = await this.#options.port.patch(
        Pods,
        { name, ...(namespace !== undefined && { namespace }) },
        { metadata: { uid: this.#pod.metadata.uid }, status: this.#status() },
        { subresource: 'status' },
      );
    });
  }

  #isShown(): boolean {
    const { phase, conditions = [] } = this.#pod.status ?? {};
    const ready = conditions.find(({ type }) => type === 'Ready')?.status;
    return phase === 'Running' && ready === (this.#ready ? 'True' : 'False');
  }

  #status(): object {
    const now = rfc3339(this.#options.clock.now());
    const kept = (this.#pod.status?.conditions ?? []).filter(
      ({ type }) => !['Ready', 'ContainersReady', 'Initialized', 'PodScheduled'].includes(type),
    );
    const condition = (type: string, status: boolean): object => ({
      type,
      status: status ? 'True' : 'False',
      lastTransitionTime: now,
    });
    return {
      phase: 'Running',
      startTime: this.#pod.status?.startTime ?? now,
      conditions: [
        ...kept,
        condition('PodScheduled', true),
        condition('Initialized', true),
        condition('ContainersReady', this.#ready),
        condition('Ready', this.#ready),
      ],
      // What `kubectl get pods` counts under READY.
      containerStatuses: (this.#pod.spec?.containers ?? []).map(({ name, image = '' }) => ({
        name,
        image,
        imageID: '',
        ready: this.#ready,
        started: true,
        restartCount: 0,
        state: { running: { startedAt: this.#pod.status?.startTime ?? now } },
      })),
    };
  }

  #isOver(expected: 'starting' | 'running'): boolean {
    return this.#signal.aborted || this.#state !== expected;
  }

  #sleep(ms: number): Promise<unknown> {
    return sleepUnlessAborted(this.#options.clock, ms, this.#signal);
  }

  /** Tries again until it is done, or the pod is another or gone. */
  async #persist(write: () => Promise<unknown>): Promise<void> {
    while (!this.#signal.aborted) {
      try {
        await write();
        return;
      } catch (error) {
        if (!isKubernetesError(error)) throw error;
        if (isKubernetesError(error, 'notFound', 'conflict', 'invalid')) return;
        await this.#sleep(RETRY_MS);
      }
    }
  }
}
