/** The agent process: what it is told, and how its parts are put together. */
import { readFile } from 'node:fs/promises';
import type { Clock, Random } from '../runtime/clock.ts';
import { durationMs, integer, oneOf, port, text } from '../runtime/config.ts';
import type { Config } from '../runtime/config.ts';
import { HEALTHY, HealthServer, unhealthy } from '../runtime/health.ts';
import type { Health } from '../runtime/health.ts';
import { LOG_LEVELS } from '../runtime/jsonlog.ts';
import type { Logger } from '../runtime/log.ts';
import { HostClient } from './bottlerocket/client.ts';
import { DEFAULT_SOCKET_PATH, socketTransport } from './bottlerocket/socket.ts';
import { HttpsChannel } from './channel.ts';
import { CHECK_INTERVAL_MS } from './checks.ts';
import { AgentCore } from './core.ts';
import type { AgentHealth } from './core.ts';

/** Flags and variables of the agent. */
export const AGENT_OPTIONS = {
  url: text({
    flag: 'apiserver-url',
    doc: 'Where the API server of the operator is.',
    default: 'https://brupop-apiserver.brupop-bottlerocket-aws.svc:8443',
    placeholder: 'URL',
  }),
  tokenFile: text({
    flag: 'token-file',
    doc: 'The projected ServiceAccount token for the audience brupop-apiserver; read for every request.',
    default: '/var/run/secrets/brupop/token',
    placeholder: 'FILE',
  }),
  caFile: text({
    flag: 'ca-file',
    doc: 'The CA bundle that the API server is checked against; read again when it changes.',
    default: '/etc/brupop/ca/ca.crt',
    placeholder: 'FILE',
  }),
  apiSocket: text({
    flag: 'api-socket',
    doc: 'The Bottlerocket API of this host.',
    default: DEFAULT_SOCKET_PATH,
    placeholder: 'FILE',
  }),
  bootIdFile: text({
    flag: 'boot-id-file',
    doc: 'Where the boot id of this host is read.',
    default: '/proc/sys/kernel/random/boot_id',
    placeholder: 'FILE',
  }),
  nodeName: text({
    flag: 'node-name',
    doc: 'Name of the node, for log lines only: who it is, the token says.',
    default: '',
    placeholder: 'NAME',
  }),
  host: text({
    flag: 'host',
    env: 'LISTEN_HOST',
    doc: 'Address to listen on for probes.',
    default: '::',
  }),
  healthPort: port({ flag: 'health-port', doc: 'Port of /healthz and /readyz.', default: 8080 }),
  readyWithinSeconds: integer({
    flag: 'ready-within-seconds',
    doc: 'The agent is ready while the host has answered within this time.',
    default: 60,
    min: 30,
    max: 3_600,
  }),
  checkIntervalMs: durationMs({
    flag: 'check-interval',
    doc: 'Between two checks of the host for updates, give or take a tenth.',
    default: CHECK_INTERVAL_MS,
    minMs: 10_000,
    maxMs: 86_400_000,
  }),
  logLevel: oneOf({
    flag: 'log-level',
    doc: 'Log lines below it are dropped.',
    default: 'info',
    values: LOG_LEVELS,
  }),
};

export type AgentConfig = Config<typeof AGENT_OPTIONS>;

export interface AgentParts {
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Version of this program. */
  version: string;
}

/** A loop that has not moved for so long is stuck: no single step takes this long. */
const STUCK_MS = 300_000;

/** Live: the loop moves. */
export const liveness = (health: AgentHealth): Health =>
  health.beatAgoMs < STUCK_MS
    ? HEALTHY
    : unhealthy(`the loop has not moved for ${Math.round(health.beatAgoMs / 1_000)} s`);

/** Ready: the stream is open and the host has answered lately. */
export function readiness(health: AgentHealth, withinMs: number): Health {
  if (!health.streamOpen) return unhealthy('the stream to the API server is not open');
  const { hostAnsweredAgoMs } = health;
  if (hostAnsweredAgoMs === undefined) return unhealthy('the host API has not answered yet');
  return hostAnsweredAgoMs <= withinMs
    ? HEALTHY
    : unhealthy(`the host API has not answered for ${Math.round(hostAnsweredAgoMs / 1_000)} s`);
}

/**
 * Runs the agent until the signal aborts.
 * @throws HostSocketLost when a new container is needed to reach the host; what listening on the port throws.
 */
export async function runAgent(config: AgentConfig, parts: AgentParts, signal: AbortSignal): Promise<void> {
  const { clock, random, version } = parts;
  const logger = config.nodeName === '' ? parts.logger : parts.logger.child({ node: config.nodeName });
  const core = new AgentCore({
    host: new HostClient({ transport: socketTransport(config.apiSocket), clock, signal }),
    channel: new HttpsChannel({
      url: new URL(config.url),
      tokenFile: config.tokenFile,
      caFile: config.caFile,
      clock,
      logger,
    }),
    files: { bootId: async () => (await readFile(config.bootIdFile, 'utf8')).trim() },
    clock,
    random,
    logger,
    agentVersion: version,
    checkIntervalMs: config.checkIntervalMs,
  });
  const health = new HealthServer({
    host: config.host,
    port: config.healthPort,
    clock,
    logger,
    live: { loop: () => liveness(core.health()) },
    ready: { agent: () => readiness(core.health(), config.readyWithinSeconds * 1_000) },
  });
  const healthPort = await health.start(signal);
  logger.info('Agent started', { version, ...config, healthPort });
  await core.run(signal);
}
