/** A wall clock that kube-apiserver puts right. */
import type { Clock } from './clock.ts';
import type { KubernetesPort } from './kubernetes.ts';

/**
 * `clock`, whose wall clock is not believed while it is more than `maxSkewMs` from kube-apiserver's: then that one is
 * taken, carried on by monotonic time. So no deadline passes, and no window opens, because a clock has jumped.
 */
export const serverClock = (
  clock: Clock,
  port: Pick<KubernetesPort, 'clockSkewMs'>,
  maxSkewMs: number,
): Clock => ({
  now: () => {
    const skewMs = port.clockSkewMs() ?? 0;
    return clock.now() + (Math.abs(skewMs) > maxSkewMs ? skewMs : 0);
  },
  monotonic: () => clock.monotonic(),
  sleep: (ms, signal) => clock.sleep(ms, signal),
});
