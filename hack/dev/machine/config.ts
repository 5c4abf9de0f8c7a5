/** What a machine is told at its start: a JSON file, the only argument of its process. */
import type { KubeletOptions } from '../../../src/sim/workloads/kubelet.ts';
import type { Durations } from '../../../src/sim/host/durations.ts';
import type { Image } from '../../../src/sim/host/versions.ts';
import type { Endpoint } from '../../controlplane/request.ts';

export interface MachineConfig {
  nodeName: string;
  labels: Record<string, string>;
  providerID: string;
  /** How it reaches the API server. */
  endpoint: Endpoint;
  /** The Service of the operator's API server: its name, and the port of loopback it is reached at. */
  service: { name: string; port: number };
  /** Files of this machine. */
  dir: string;
  /** Logs of what it runs. */
  logDir: string;
  /** Where it says which processes it runs. */
  registryDir: string;
  /** Absent: some other Linux, that never updates. */
  host?: {
    image: Image;
    /** Versions the repository offers. */
    releases: readonly string[];
    /** Decides its boot ids and how long things take. */
    seed: string;
    durations: Partial<Durations>;
  };
  /** How long a kubelet takes for things. */
  timing: Pick<KubeletOptions, 'readyMs' | 'podStartMs' | 'podStopMs' | 'probeEveryMs'>;
}
