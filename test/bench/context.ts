/** What every measurement is given. */
import type { Programs } from '../../hack/programs/controlplane.ts';

export interface Context {
  /** Says what is being done, one line at a time. */
  progress: (line: string) => void;
  /** The programs of the control plane; found or built at the first call. */
  programs: () => Promise<Programs>;
  /** Aborted by Ctrl-C: everything that was started ends. */
  signal: AbortSignal;
}
