/** Policies and workloads of the stories. */
import { GROUP, INTERFACE_VERSION_LABEL } from '../../../src/api/names.ts';
import type { UpdatePolicySpec } from '../../../src/api/v1/updatepolicy.ts';

/** Image with a Node.js that every machine has: the operator's own. */
const IMAGE = 'brupop:v0.1.0';
const NODE = '/opt/node/bin/node';
export const SHOP = 'shop';

/** Waits no longer than it has to, apart from what the protocol itself prescribes. */
const QUICK: UpdatePolicySpec = {
  minRemaining: '0s',
  health: { stableFor: '0s' },
  drain: { timeout: '3m' },
  timeouts: { stage: '2m', reboot: '2m', verify: '2m' },
};

export const policy = (name: string, spec: UpdatePolicySpec = {}): object => ({
  apiVersion: `${GROUP}/v1`,
  kind: 'UpdatePolicy',
  metadata: { name },
  spec: { ...QUICK, ...spec },
});

export const namespace = (name: string): object => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name },
});

/** Answers until it is told to end, then what it has begun. */
const SERVER = `
const http = require('node:http');
const server = http.createServer((request, response) => response.end('ok'));
server.listen(8080);
process.on('SIGTERM', () => server.close(() => process.exit(0)));
`;

/**
 * Asks all the time, each time over a new connection; a line a second, and one for each request that failed. Its name
 * is resolved each time, too.
 */
const CLIENT = `
const http = require('node:http');
let ok = 0, failed = 0;
const say = (line) => console.log(JSON.stringify({ atMs: Date.now(), ...line }));
const fail = (why) => { failed++; say({ failed: String(why) }); };
const ask = () => {
  const request = http.get(process.env.TARGET, { agent: false, timeout: 5000 }, (response) => {
    response.resume();
    response.on('end', () => (response.statusCode === 200 ? ok++ : fail(response.statusCode)));
    response.on('error', fail);
  });
  request.on('timeout', () => request.destroy(new Error('timeout')));
  request.on('error', fail);
};
setInterval(ask, 25);
setInterval(() => say({ ok, failedSoFar: failed }), 1000);
process.on('SIGTERM', () => process.exit(0));
`;

const container = (name: string, script: string): object => ({
  name,
  image: IMAGE,
  command: [NODE, '-e', script],
  resources: { requests: { cpu: '20m', memory: '32Mi' } },
});

export interface AppOptions {
  name: string;
  replicas: number;
  /** Budget of the app. @default none */
  minAvailable?: number;
  /** The Bottlerocket machine its pods had best run on. @default any */
  node?: string;
}

/** Stronger than the wish to be spread. */
const preference = (node: string): object => ({
  preferredDuringSchedulingIgnoredDuringExecution: [
    {
      weight: 100,
      preference: {
        matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: [node] }],
      },
    },
  ],
});

/** A web application on the Bottlerocket machines behind a Service of its name. */
export function webApp({ name, replicas, minAvailable, node }: AppOptions): object[] {
  const labels = { app: name };
  const metadata = { name, namespace: SHOP };
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          nodeSelector: { [INTERFACE_VERSION_LABEL]: '2.0.0' },
          ...(node !== undefined && { affinity: { nodeAffinity: preference(node) } }),
          terminationGracePeriodSeconds: 15,
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: 'kubernetes.io/hostname',
              whenUnsatisfiable: 'ScheduleAnyway',
              labelSelector: { matchLabels: labels },
            },
          ],
          containers: [
            {
              ...container(name, SERVER),
              ports: [{ name: 'http', containerPort: 8080 }],
              readinessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 1 },
              // The time that every machine needs to hear that it is no longer to be asked.
              lifecycle: { preStop: { sleep: { seconds: 3 } } },
            },
          ],
        },
      },
    },
  };
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: { selector: labels, ports: [{ port: 80, targetPort: 'http' }] },
  };
  const budget = {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata,
    spec: { minAvailable, selector: { matchLabels: labels } },
  };
  return [deployment, service, ...(minAvailable === undefined ? [] : [budget])];
}

/** Asks an app all the time, from a machine that is not updated. */
export const webClient = (app: string, machineLabel: string): object => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'client', namespace: SHOP, labels: { app: 'client' } },
  spec: {
    nodeSelector: { [machineLabel]: 'true' },
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 2,
    containers: [
      {
        ...container('client', CLIENT),
        env: [{ name: 'TARGET', value: `http://${app}.${SHOP}.svc.cluster.local/` }],
      },
    ],
  },
});
