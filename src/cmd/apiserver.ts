/** `brupop apiserver`: the process between agents and Kubernetes. */
import { NAMESPACE } from '../api/names.ts';
import { Replica } from '../apiserver/lifecycle.ts';
import { createKubernetesClient } from '../runtime/client/client.ts';
import { kubeConfigLoader } from '../runtime/client/credentials.ts';
import { systemClock } from '../runtime/clock.ts';
import type { ConfigSource } from '../runtime/config.ts';
import { helpText, integer, oneOf, port, readConfig, text } from '../runtime/config.ts';
import { HealthServer } from '../runtime/health.ts';
import { LOG_LEVELS } from '../runtime/jsonlog.ts';
import { createLogger } from '../runtime/logger.ts';
import { PrometheusMetrics } from '../runtime/prometheus.ts';

/** What can be set, as flags or in the environment. */
export const apiserverOptions = {
  host: text({
    flag: 'host',
    env: 'LISTEN_HOST',
    doc: 'Address to listen on for agents and probes; none = all.',
    default: '',
  }),
  port: port({ flag: 'port', env: 'HTTPS_PORT', doc: 'Port for agents, HTTPS.', default: 8443 }),
  healthPort: port({
    flag: 'health-port',
    doc: 'Plain port for probes and metrics: /healthz, /readyz, /metrics.',
    default: 8080,
  }),
  tlsDir: text({
    flag: 'tls-dir',
    doc: 'Directory with tls.crt and tls.key; read again when they change.',
    placeholder: 'DIR',
    default: '/etc/brupop/tls',
  }),
  namespace: text({
    flag: 'namespace',
    env: 'POD_NAMESPACE',
    doc: 'Namespace of the operator: of its shadows, agents and ServiceAccounts.',
    placeholder: 'NAME',
    default: NAMESPACE,
  }),
  maxConnections: integer({
    flag: 'max-connections',
    doc: 'Connections beyond so many are closed at once; each agent holds one, and a second while it reports.',
    default: 12_000,
    min: 1,
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

/** The text of `brupop apiserver --help`. */
export const apiserverHelp = (): string =>
  `Usage: brupop apiserver [options]\n\nStreams to each agent its own shadow, and records what agents report.\n\n${helpText(apiserverOptions)}\n`;

/**
 * Runs until the signal aborts, then ends within 5 s.
 * @throws ConfigError; Error when a port cannot be had.
 */
export async function runApiserver(source: ConfigSource, signal: AbortSignal): Promise<void> {
  if (source.argv.includes('--help')) {
    console.log(apiserverHelp());
    return;
  }
  const config = readConfig(apiserverOptions, source);
  const { namespace } = config;
  const host = config.host === '' ? undefined : config.host;
  const clock = systemClock;
  const log = createLogger({ clock, level: config.logLevel, fields: { component: 'apiserver' } });
  log.info('Configuration read', { ...config });
  const metrics = new PrometheusMetrics({ prefix: 'brupop_', processMetrics: true });
  const kubernetes = createKubernetesClient({
    kubeConfig: kubeConfigLoader({ file: config.kubeconfig }),
    clock,
    metrics,
    fieldManager: 'brupop-apiserver',
    userAgent: 'brupop-apiserver',
  });
  const replica = new Replica({
    kubernetes,
    clock,
    random: Math.random,
    log,
    metrics,
    namespace,
    address: { host, port: config.port },
    certificateDirectory: config.tlsDir,
    limits: { connections: config.maxConnections },
  });
  const health = new HealthServer({
    ...(host === undefined ? {} : { host }),
    port: config.healthPort,
    clock,
    logger: log,
    live: replica.liveness,
    ready: replica.readiness,
    scrape: () => metrics.scrape(),
  });
  // Probes are answered until the last request is.
  const answering = new AbortController();
  await health.start(answering.signal);
  try {
    await replica.run(signal);
  } finally {
    answering.abort();
    kubernetes.close();
  }
}
