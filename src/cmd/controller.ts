/** `brupop controller`: decides. Of its replicas the one that holds the Lease acts. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { NAMESPACE } from '../api/names.ts';
import { CertificatesController } from '../controllers/certificates/controller.ts';
import { systemKeys } from '../controllers/certificates/keys.ts';
import { MAX_SKEW_MS, lead } from '../controllers/lead.ts';
import { cleanUp } from '../controllers/uninstall/cleanup.ts';
import { whenUninstalling } from '../controllers/uninstall/controller.ts';
import { isUninstalling } from '../controllers/uninstall/detect.ts';
import { createKubernetesClient } from '../runtime/client/client.ts';
import type { KubernetesClient } from '../runtime/client/client.ts';
import { kubeConfigLoader } from '../runtime/client/credentials.ts';
import { systemClock } from '../runtime/clock.ts';
import type { Config, ConfigSource } from '../runtime/config.ts';
import { flag, helpText, list, oneOf, port, readConfig, text } from '../runtime/config.ts';
import { fence } from '../runtime/fence.ts';
import { HEALTHY, HealthServer, unhealthy } from '../runtime/health.ts';
import type { Health } from '../runtime/health.ts';
import { LOG_LEVELS } from '../runtime/jsonlog.ts';
import { LeaderElector } from '../runtime/leader.ts';
import type { Logger } from '../runtime/log.ts';
import { createLogger } from '../runtime/logger.ts';
import { PrometheusMetrics } from '../runtime/prometheus.ts';
import { linkAbort, sleepUnlessAborted } from '../runtime/timers.ts';

/** What can be set, as flags or in the environment. */
export const controllerOptions = {
  host: text({
    flag: 'host',
    env: 'LISTEN_HOST',
    doc: 'Address to listen on for probes; none = all.',
    default: '',
  }),
  healthPort: port({
    flag: 'health-port',
    doc: 'Plain port for probes and metrics: /healthz, /readyz, /metrics.',
    default: 8080,
  }),
  namespace: text({
    flag: 'namespace',
    env: 'POD_NAMESPACE',
    doc: 'Namespace of the operator: of its shadows, its Lease and its pods.',
    placeholder: 'NAME',
    default: NAMESPACE,
  }),
  podName: text({
    flag: 'pod-name',
    doc: 'Name of the own pod, for the Lease and for Events; none = the name of the machine.',
    placeholder: 'NAME',
    default: '',
  }),
  nodeName: text({
    flag: 'node-name',
    doc: 'Node that the own pod runs on, for the log.',
    placeholder: 'NAME',
    default: '',
  }),
  leaseName: text({
    flag: 'lease-name',
    doc: 'Name of the Lease by which the replica that acts is elected.',
    placeholder: 'NAME',
    default: 'brupop-controller',
  }),
  labelNodes: flag({
    flag: 'label-nodes',
    doc: 'Set the label bottlerocket.aws/updater-interface-version=2.0.0 on every Bottlerocket node.',
    default: true,
  }),
  apiserverPods: flag({
    flag: 'apiserver-pods',
    doc: 'Let deadlines stand still while no pod of the API server is Ready; false where it runs outside the cluster.',
    default: true,
  }),
  certificates: flag({
    flag: 'certificates',
    doc: 'Make and renew the certificates of the API server; false where something else does, such as cert-manager.',
    default: true,
  }),
  dnsNames: list({
    flag: 'dns-names',
    doc: 'Names for the serving certificate beside those of the Service, such as localhost.',
    default: [],
  }),
  uninstallHold: flag({
    flag: 'uninstall-hold',
    doc: 'Hold the own ServiceAccount and role with a finalizer, so that uninstalling can be cleaned up after.',
    default: true,
  }),
  kubeconfig: text({
    flag: 'kubeconfig',
    env: 'BRUPOP_KUBECONFIG',
    doc: 'A kubeconfig file; without it the usual places, last the ServiceAccount of the pod.',
    placeholder: 'FILE',
    default: '',
  }),
  logLevel: oneOf({
    flag: 'log-level',
    doc: 'Lines below it are dropped.',
    values: LOG_LEVELS,
    default: 'info',
  }),
} as const;

const AGAIN_MS = 5_000;
/** A look is due every minute, and a pass during an outage of kube-apiserver takes a while. */
const HANGS_MS = 5 * 60_000;

/** The text of `brupop controller --help`. */
export const controllerHelp = (): string =>
  `Usage: brupop controller [options]\n\nDecides which nodes are updated when, drains them, and keeps their shadows.\n\n${helpText(controllerOptions)}\n`;

/**
 * Runs until the signal aborts or the operator is uninstalled. Ends within 5 s, or within 45 s when it has to clean up.
 * @throws ConfigError; Error when a port cannot be had.
 */
export async function runController(source: ConfigSource, signal: AbortSignal): Promise<void> {
  if (source.argv.includes('--help')) {
    console.log(controllerHelp());
    return;
  }
  const config = readConfig(controllerOptions, source);
  const clock = systemClock;
  const logger = createLogger({ clock, level: config.logLevel, fields: { component: 'controller' } });
  logger.info('Configuration read', { ...config });
  const metrics = new PrometheusMetrics({ prefix: 'brupop_', processMetrics: true });
  const kubernetes = createKubernetesClient({
    kubeConfig: kubeConfigLoader({ file: config.kubeconfig }),
    clock,
    metrics,
    fieldManager: 'brupop-controller',
    userAgent: 'brupop-controller',
  });
  const replica = new ControllerReplica({ config, kubernetes, metrics, logger });
  const health = new HealthServer({
    ...(config.host === '' ? {} : { host: config.host }),
    port: config.healthPort,
    clock,
    logger,
    live: { rollout: () => replica.liveHealth() },
    ready: { clock: () => replica.clockHealth() },
    scrape: () => metrics.scrape(),
  });
  const answering = new AbortController();
  await health.start(answering.signal);
  try {
    await replica.run(signal);
  } finally {
    answering.abort();
    kubernetes.close();
  }
}

interface ReplicaOptions {
  config: Config<typeof controllerOptions>;
  kubernetes: KubernetesClient;
  metrics: PrometheusMetrics;
  logger: Logger;
}

/** One replica of the controller: stands for election, leads, and cleans up when the operator is uninstalled. */
class ControllerReplica {
  readonly #options: ReplicaOptions;
  readonly #instance: string;
  readonly #elector: LeaderElector;
  /** Monotonic time of the last look at everything; of the election, before the first. */
  #lookedMs = 0;

  constructor(options: ReplicaOptions) {
    const { config, kubernetes, metrics, logger } = options;
    this.#options = options;
    this.#instance = config.podName === '' ? hostname() : config.podName;
    this.#elector = new LeaderElector({
      port: kubernetes,
      clock: systemClock,
      random: Math.random,
      logger,
      lease: { namespace: config.namespace, name: config.leaseName },
      identity: `${this.#instance}_${randomUUID()}`,
      metrics,
    });
  }

  /** A leader that has not looked at anything for minutes hangs; the other replica can do better. */
  liveHealth(): Health {
    const sinceMs = systemClock.monotonic() - this.#lookedMs;
    return this.#elector.isLeader && sinceMs > HANGS_MS
      ? unhealthy(`nothing has been looked at for ${Math.round(sinceMs / 1_000)} s`)
      : HEALTHY;
  }

  /** A wrong clock starts nothing, and says so. */
  clockHealth(): Health {
    const skewMs = this.#options.kubernetes.clockSkewMs();
    if (skewMs === undefined) return unhealthy('kube-apiserver has not answered yet');
    return Math.abs(skewMs) > MAX_SKEW_MS
      ? unhealthy(`the clock is ${Math.round(Math.abs(skewMs) / 1_000)} s from that of kube-apiserver`)
      : HEALTHY;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { config, kubernetes, logger } = this.#options;
    const { namespace } = config;
    const work = linkAbort(signal);
    const watch = { port: kubernetes, clock: systemClock, namespace };
    const uninstalling = whenUninstalling(watch, signal).then((isSo) => {
      work.abort();
      return isSo;
    });
    await this.#elector.run(work.signal, (leading) => this.#lead(leading));
    work.release();
    if (!(await uninstalling)) return;
    logger.info('Operator is being uninstalled');
    const isComplete = await cleanUp({ port: kubernetes, clock: systemClock, logger, namespace });
    logger.info('Clean-up has ended', { isComplete });
    // Should it come back, a new process begins anew.
    while (!signal.aborted && (await isUninstalling(kubernetes, namespace)))
      await sleepUnlessAborted(systemClock, AGAIN_MS, signal);
  }

  async #lead(signal: AbortSignal): Promise<void> {
    const onLook = (): void => {
      this.#lookedMs = systemClock.monotonic();
    };
    onLook();
    const { config, kubernetes, metrics, logger } = this.#options;
    const { namespace } = config;
    const shared = { clock: systemClock, random: Math.random, logger, metrics, namespace };
    const fenced = fence(kubernetes, this.#elector);
    const certificates = new CertificatesController({
      ...shared,
      kubernetes: fenced,
      keys: systemKeys,
      extraDnsNames: config.dnsNames,
    });
    await Promise.all([
      lead(
        {
          ...shared,
          port: fenced,
          instance: this.#instance,
          autoLabel: config.labelNodes,
          needsApiserverPods: config.apiserverPods,
          holdsOwnRole: config.uninstallHold,
          onLook,
        },
        signal,
      ),
      config.certificates ? certificates.run(signal) : undefined,
    ]);
  }
}
