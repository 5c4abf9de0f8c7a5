/** Runs work on many things, a few at a time. */

/** Kubernetes writes under way at a time. */
export const WRITES_AT_A_TIME = 32;

/**
 * Runs `work` on every item, at most `limit` at a time, in order of the list. All are run even when one fails.
 * @throws the first error, once everything has ended.
 */
export async function inParallel<T>(
  items: readonly T[],
  work: (item: T) => Promise<unknown>,
  limit = WRITES_AT_A_TIME,
): Promise<void> {
  const errors: unknown[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const item = items[next++] as T;
      try {
        await work(item);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  if (errors.length > 0) throw errors[0];
}
