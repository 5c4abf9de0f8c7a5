/** How long things take on a simulated host, in milliseconds: a number, or a range from which each time is drawn. */
import type { Random } from '../../runtime/clock.ts';

export type Duration = number | readonly [leastMs: number, mostMs: number];

export interface Durations {
  refreshMs: Duration;
  prepareMs: Duration;
  activateMs: Duration;
  deactivateMs: Duration;
  /** From an accepted reboot until the API is gone. */
  shutdownMs: Duration;
  /** From there until the API answers again. */
  bootMs: Duration;
  /** From a kernel panic until the next boot begins (`kernel.panic=10`). */
  panicMs: Duration;
  /** systemd's RestartSec of the API. */
  apiRestartMs: Duration;
  /** Lag of /etc/updog.toml behind a commit. */
  renderUpdogMs: Duration;
  /** Lag of /etc/thar-be-updates.toml behind a commit. */
  renderDispatcherMs: Duration;
  /** Time the API needs for any answer. */
  answerMs: Duration;
}

/** Like a real host with a middling network. */
export const DEFAULT_DURATIONS: Durations = {
  refreshMs: [800, 3_000],
  prepareMs: [25_000, 90_000],
  activateMs: [800, 2_500],
  deactivateMs: [800, 2_500],
  shutdownMs: [2_000, 12_000],
  bootMs: [15_000, 45_000],
  panicMs: 10_000,
  apiRestartMs: 5_000,
  renderUpdogMs: [100, 900],
  renderDispatcherMs: [100, 900],
  answerMs: [1, 5],
};

/** One value of a duration. */
export const draw = (duration: Duration, random: Random): number =>
  typeof duration === 'number' ? duration : duration[0] + random() * (duration[1] - duration[0]);
