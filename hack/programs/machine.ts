/** The programs of machines, and of the DNS that their pods ask. */
import { locate, type LocateOptions } from './locate.ts';

/** Absolute paths of the programs that machines run, and of CoreDNS. */
export interface MachinePrograms {
  containerd: string;
  /** containerd-shim-runc-v2; containerd looks for it on its PATH. */
  shim: string;
  ctr: string;
  kubelet: string;
  kubeProxy: string;
  coredns: string;
  /** First process of a pod: a static program, to be put into an image. */
  pause: string;
}

/**
 * Finds the programs of machines, and builds those that are nowhere: about 8 minutes on two cores when those of a
 * control plane have been built before.
 * @throws ProgramsError when there is nothing to build with, or a build fails
 */
export async function locateMachinePrograms(options: LocateOptions = {}): Promise<MachinePrograms> {
  const at = await locate(
    ['pause', 'containerd', 'containerd-shim-runc-v2', 'ctr', 'kubelet', 'kube-proxy', 'coredns'],
    options,
  );
  return {
    containerd: at.containerd,
    shim: at['containerd-shim-runc-v2'],
    ctr: at.ctr,
    kubelet: at.kubelet,
    kubeProxy: at['kube-proxy'],
    coredns: at.coredns,
    pause: at.pause,
  };
}
