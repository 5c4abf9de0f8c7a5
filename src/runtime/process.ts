/** The life of a process: signals, the exit code, and an end in time. */
import { backgroundTimer } from './clock.ts';
import { errorFields } from './errors.ts';
import type { Logger } from './log.ts';

/** What `runProcess` needs of the running process. */
export interface ProcessHost {
  /** Calls `listener` for each SIGTERM and SIGINT. @returns ends it. */
  onSignal(listener: (name: string) => void): () => void;
  /** Calls `listener` for errors that nobody caught. @returns ends it. */
  onFault(listener: (error: unknown) => void): () => void;
  setExitCode(code: number): void;
  /** Ends the process at once. */
  exit(code: number): void;
  /** Calls `fire` after `ms`, unless the process ended by itself before. @returns cancels it. */
  watchdog(ms: number, fire: () => void): () => void;
  /** What keeps the process from ending by itself, for the log. */
  activeResources(): string[];
}

export interface ProcessOptions {
  /** @default the real one */
  host?: ProcessHost;
  logger: Logger;
  /** Time to end in after the first signal, in milliseconds. @default 5000 */
  graceMs?: number;
}

/** After the work has ended, nothing should keep the process; if something does, it ends all the same. */
const LINGER_MS = 2_000;

/**
 * Runs `main` with a signal that SIGTERM, SIGINT and uncaught errors abort. The exit code is 0 when it ends, 1 when
 * it fails or something was not caught. A second signal ends the process at once, and so does the end of `graceMs`.
 */
export async function runProcess(
  options: ProcessOptions,
  main: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { host = systemProcess(), logger, graceMs = 5_000 } = options;
  const root = new AbortController();
  const cleanups: (() => void)[] = [];
  let failed = false;
  const stop = (): void => {
    if (root.signal.aborted) return;
    cleanups.push(
      host.watchdog(graceMs, () => {
        logger.error('Process did not end in time', { graceMs, resources: host.activeResources() });
        host.exit(1);
      }),
    );
    root.abort();
  };
  cleanups.push(
    host.onSignal((name) => {
      if (root.signal.aborted) {
        logger.warn('Second signal ends the process at once', { signal: name });
        host.exit(1);
        return;
      }
      logger.info('Signal received', { signal: name });
      stop();
    }),
    host.onFault((error) => {
      failed = true;
      host.setExitCode(1);
      logger.error('Error was not caught', errorFields(error));
      stop();
    }),
  );
  try {
    await main(root.signal);
  } catch (error) {
    failed = true;
    logger.error('Process failed', errorFields(error));
  } finally {
    // Whatever runs beside main is told, too.
    root.abort();
    for (const cleanup of cleanups) cleanup();
    const code = failed ? 1 : 0;
    host.setExitCode(code);
    logger.info('Process ends', { exitCode: code });
    host.watchdog(LINGER_MS, () => {
      logger.warn('Process is ended though something still keeps it', { resources: host.activeResources() });
      host.exit(code);
    });
  }
}

/** The running process. */
export const systemProcess = (): ProcessHost => ({
  onSignal(listener) {
    const names = ['SIGTERM', 'SIGINT'] as const;
    for (const name of names) process.on(name, listener);
    return () => {
      for (const name of names) process.off(name, listener);
    };
  },
  onFault(listener) {
    process.on('uncaughtException', listener);
    process.on('unhandledRejection', listener);
    return () => {
      process.off('uncaughtException', listener);
      process.off('unhandledRejection', listener);
    };
  },
  setExitCode(code) {
    process.exitCode = code;
  },
  exit(code) {
    // The one place: only when the process would not end by itself.
    // oxlint-disable-next-line no-process-exit
    process.exit(code);
  },
  watchdog: backgroundTimer,
  activeResources: () => process.getActiveResourcesInfo(),
});
