/** The programs of a control plane. */
import { locate, type LocateOptions } from './locate.ts';

/** Absolute paths of the programs of a control plane. */
export interface Programs {
  etcd: string;
  kubeApiserver: string;
  kubeControllerManager: string;
  kubeScheduler: string;
  kubectl: string;
}

/**
 * Finds the programs of a control plane, and builds those that are nowhere: about 11 minutes on two cores.
 * @throws ProgramsError when there is nothing to build with, or a build fails
 */
export async function locatePrograms(options: LocateOptions = {}): Promise<Programs> {
  const at = await locate(
    ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubectl'],
    options,
  );
  return {
    etcd: at.etcd,
    kubeApiserver: at['kube-apiserver'],
    kubeControllerManager: at['kube-controller-manager'],
    kubeScheduler: at['kube-scheduler'],
    kubectl: at.kubectl,
  };
}
