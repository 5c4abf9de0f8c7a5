/** config/ on an API server of its own: everything is applied as a user would. */
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  AGENT_SERVICE_ACCOUNT,
  APISERVER_SERVICE,
  APISERVER_SERVICE_ACCOUNT,
  CA_BUNDLE_CONFIGMAP,
  CONTROLLER_SERVICE_ACCOUNT,
  NAMESPACE,
  SERVING_SECRET,
  TOKEN_AUDIENCE,
} from '../../../src/api/names.ts';
import { AGENT_OPTIONS } from '../../../src/agent/main.ts';
import { apiserverOptions } from '../../../src/cmd/apiserver.ts';
import { readConfig } from '../../../src/runtime/config.ts';
import type { Options } from '../../../src/runtime/config.ts';
import { locatePrograms } from '../../../hack/programs/controlplane.ts';
import { ask, askFor } from '../../../hack/controlplane/request.ts';
import type { Answer } from '../../../hack/controlplane/request.ts';
import { startControlPlane } from '../../../hack/controlplane/start.ts';
import type { ControlPlane } from '../../../hack/controlplane/start.ts';
import { CONFIG, FOLDERS, SAMPLES, build, documents, sampleText, workloads } from './kustomize.ts';
import type { PodSpec, Workload } from './kustomize.ts';

const RESTRICTED = 'restricted-profile';
const POLICIES = '/apis/brupop.bottlerocket.aws/v1/updatepolicies';

let plane: ControlPlane;
let kubectlPath: string;

const kubectl = (...args: string[]): string =>
  execFileSync(kubectlPath, ['--kubeconfig', plane.kubeconfig, ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });

/** Asks whether a pod of this spec would be admitted to the namespace. */
const admit = (namespace: string, workload: Workload): Promise<Answer> =>
  ask(plane, {
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/pods?dryRun=All`,
    body: {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...workload.spec.template.metadata, name: 'admitted' },
      // The names of ServiceAccounts exist in our namespace alone; they do not matter to the profile.
      spec: {
        ...workload.spec.template.spec,
        serviceAccountName:
          namespace === NAMESPACE ? workload.spec.template.spec.serviceAccountName : 'default',
      } satisfies PodSpec,
    },
  });

const all = () => workloads(build(kubectlPath, 'default'));

const specOf = (workload: Workload | undefined): PodSpec => workload!.spec.template.spec;

const userOf = (account: string): string => `system:serviceaccount:${NAMESPACE}:${account}`;

/** Everything an account may do in our namespace. */
const allowed = (account: string): string[] =>
  kubectl('auth', 'can-i', '--list', '--no-headers', '-n', NAMESPACE, `--as=${userOf(account)}`)
    .trim()
    .split('\n')
    .toSorted();

const GROUPS: Readonly<Record<string, string>> = {
  bottlerocketshadows: 'brupop.bottlerocket.aws',
  tokenreviews: 'authentication.k8s.io',
};

/** Whether an account may do something such as `create pods/eviction` in our namespace. */
const may = async (account: string, what: string): Promise<boolean> => {
  const [verb, resource = '', subresource] = what.split(/[ /]/);
  const review = await askFor<{ status: { allowed: boolean } }>(plane, {
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    body: {
      spec: {
        user: userOf(account),
        resourceAttributes: {
          namespace: resource === 'tokenreviews' || resource === 'nodes' ? undefined : NAMESPACE,
          group: GROUPS[resource] ?? '',
          verb,
          resource,
          subresource,
        },
      },
    },
  });
  return review.status.allowed;
};

beforeAll(async () => {
  const programs = await locatePrograms({ progress: (line) => console.error(line) });
  kubectlPath = programs.kubectl;
  plane = await startControlPlane({ programs });
  kubectl('apply', '-f', `${CONFIG}default/namespace.yaml`);
  kubectl('apply', '-k', `${CONFIG}crd`);
  kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=20s');
  kubectl('apply', '-k', `${CONFIG}default`);
  await askFor(plane, {
    method: 'POST',
    path: '/api/v1/namespaces',
    body: { metadata: { name: RESTRICTED, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } } },
  });
  // Nobody makes it without kube-controller-manager.
  await askFor(plane, {
    method: 'POST',
    path: `/api/v1/namespaces/${RESTRICTED}/serviceaccounts`,
    body: { metadata: { name: 'default' } },
  });
});

afterAll(async () => {
  await plane.stop();
});

describe.each(FOLDERS)('config/%s', (folder) => {
  it('builds and is what the API server would take', () => {
    expect(build(kubectlPath, folder).length).toBeGreaterThan(0);
    expect(kubectl('apply', '--dry-run=server', '-k', `${CONFIG}${folder}`)).toContain('(server dry run)');
  });
});

describe('the workloads', () => {
  it('are one controller, one API server and one agent, of one image', () => {
    const built = all();
    expect(Object.keys(built).toSorted()).toEqual(['agent', 'apiserver', 'controller']);
    expect(
      new Set(Object.values(built).map(({ spec }) => spec.template.spec.containers[0]?.image)).size,
    ).toBe(1);
    expect([built.controller?.spec.replicas, built.apiserver?.spec.replicas]).toEqual([2, 3]);
  });

  it.each(['controller', 'apiserver'])('%s meets the restricted profile', async (name) => {
    const answer = await admit(RESTRICTED, all()[name]!);
    expect(answer.status, answer.body).toBe(201);
  });

  it('agent does not, because of the socket and its SELinux type alone', async () => {
    const { status, body } = await admit(RESTRICTED, all().agent!);
    expect(status).toBe(403);
    const { message } = JSON.parse(body) as { message: string };
    const [, reasons = ''] = /violates PodSecurity "restricted:latest": (.*)$/.exec(message) ?? [];
    const violations = reasons.split(/\), /).map((each) => each.split(' (')[0] ?? '');
    expect(new Set(violations)).toEqual(new Set(['seLinuxOptions', 'restricted volume types']));
  });

  it.each(['controller', 'apiserver', 'agent'])('%s is admitted to our own namespace', async (name) => {
    const answer = await admit(NAMESPACE, all()[name]!);
    expect(answer.status, answer.body).toBe(201);
  });

  it.each(['controller', 'apiserver', 'agent'])('%s has probes and is bounded', (name) => {
    for (const { livenessProbe, readinessProbe, resources, securityContext } of all()[name]!.spec.template
      .spec.containers) {
      expect(livenessProbe).toMatchObject({ httpGet: { path: '/healthz', port: 'health' } });
      expect(readinessProbe).toMatchObject({ httpGet: { path: '/readyz', port: 'health' } });
      expect(Object.keys(resources?.requests ?? {}).toSorted()).toEqual(['cpu', 'memory']);
      expect(Object.keys(resources?.limits ?? {}).toSorted()).toEqual(['cpu', 'memory']);
      expect(securityContext?.readOnlyRootFilesystem).toBe(true);
    }
  });

  it.each(['controller', 'apiserver', 'agent'])('%s knows its pod, namespace and node', (name) => {
    const env = Object.fromEntries(
      all()[name]!.spec.template.spec.containers[0]!.env!.map((each) => [
        each.name,
        each.valueFrom?.fieldRef?.fieldPath,
      ]),
    );
    expect(env).toMatchObject({
      NODE_NAME: 'spec.nodeName',
      POD_NAME: 'metadata.name',
      POD_NAMESPACE: 'metadata.namespace',
    });
  });

  it.each(['controller', 'apiserver', 'agent'])(
    '%s mounts no file by subPath, which would never be renewed',
    (name) => {
      const mounts = all()[name]!.spec.template.spec.containers.flatMap(
        ({ volumeMounts = [] }) => volumeMounts,
      );
      expect(mounts.filter(({ subPath }) => subPath !== undefined)).toEqual([]);
    },
  );

  it('use the names that the code uses', () => {
    const built = build(kubectlPath, 'default');
    const { controller, apiserver, agent } = workloads(built);
    expect(specOf(controller).serviceAccountName).toBe(CONTROLLER_SERVICE_ACCOUNT);
    expect(specOf(apiserver).serviceAccountName).toBe(APISERVER_SERVICE_ACCOUNT);
    expect(specOf(agent).serviceAccountName).toBe(AGENT_SERVICE_ACCOUNT);
    expect(specOf(apiserver).volumes).toContainEqual(
      expect.objectContaining({
        secret: expect.objectContaining({ secretName: SERVING_SECRET, optional: true }),
      }),
    );
    expect(specOf(agent).volumes).toContainEqual(
      expect.objectContaining({
        configMap: expect.objectContaining({ name: CA_BUNDLE_CONFIGMAP, optional: true }),
      }),
    );
    expect(specOf(agent).volumes).toContainEqual(
      expect.objectContaining({
        projected: expect.objectContaining({
          sources: [
            { serviceAccountToken: { audience: TOKEN_AUDIENCE, expirationSeconds: 3600, path: 'token' } },
          ],
        }),
      }),
    );
    expect(specOf(agent).containers[0]!.env).toContainEqual({
      name: 'APISERVER_URL',
      value: `https://${APISERVER_SERVICE}.${NAMESPACE}.svc:8443`,
    });
    expect(
      built.filter(({ kind, metadata }) => kind === 'Service' && metadata.name === APISERVER_SERVICE),
    ).toHaveLength(1);
    expect(specOf(controller).terminationGracePeriodSeconds).toBe(60);
  });

  it.each([
    ['agent', AGENT_OPTIONS],
    ['apiserver', apiserverOptions],
  ])('%s: sets variables that the program reads, to values that it takes', (name, options: Options) => {
    // Whose pod it is may be said to every program, whether it asks or not.
    const told = new Set(['NODE_NAME', 'POD_NAME', 'POD_NAMESPACE', 'NODE_OPTIONS']);
    const isRuntimes = (each: string): boolean => told.has(each) || each.startsWith('MALLOC_');
    const env = specOf(all()[name]).containers[0]!.env!;
    const known = new Set(Object.values(options).map((each) => each.env));
    const strange = env.map((each) => each.name).filter((each) => !known.has(each) && !isRuntimes(each));
    expect(strange).toEqual([]);
    const values = Object.fromEntries(env.map((each) => [each.name, each.value ?? 'from-the-pod']));
    expect(() => readConfig(options, { argv: [], env: values })).not.toThrow();
  });

  it('have PodDisruptionBudgets that select them', () => {
    const built = build(kubectlPath, 'default');
    const budgets = built
      .filter(({ kind }) => kind === 'PodDisruptionBudget')
      .map(({ spec }) => JSON.stringify(spec?.['selector']));
    const { controller, apiserver } = workloads(built);
    for (const workload of [controller, apiserver])
      expect(budgets).toContain(JSON.stringify(workload!.spec.selector));
  });
});

describe('what ServiceAccounts may do', () => {
  it('the agent may do no more than an account that nobody ever bound', () => {
    expect(allowed(AGENT_SERVICE_ACCOUNT)).toEqual(allowed('bound-to-nothing'));
  });

  it.each([
    [CONTROLLER_SERVICE_ACCOUNT, 'patch bottlerocketshadows/status', true],
    [CONTROLLER_SERVICE_ACCOUNT, 'create pods/eviction', true],
    [CONTROLLER_SERVICE_ACCOUNT, 'patch nodes', true],
    [CONTROLLER_SERVICE_ACCOUNT, 'list secrets', false],
    [CONTROLLER_SERVICE_ACCOUNT, 'delete nodes', false],
    [CONTROLLER_SERVICE_ACCOUNT, 'create pods', false],
    [CONTROLLER_SERVICE_ACCOUNT, 'create pods/exec', false],
    [APISERVER_SERVICE_ACCOUNT, 'patch bottlerocketshadows/status', true],
    [APISERVER_SERVICE_ACCOUNT, 'create tokenreviews', true],
    [APISERVER_SERVICE_ACCOUNT, 'patch bottlerocketshadows', false],
    [APISERVER_SERVICE_ACCOUNT, 'get nodes', false],
    [APISERVER_SERVICE_ACCOUNT, 'get secrets', false],
  ])('%s may %s: %s', async (account, what, expected) => {
    expect(await may(account, what)).toBe(expected);
  });
});

describe.each(SAMPLES)('the sample %s', (name) => {
  it('is applied as it is', async () => {
    const file = `${CONFIG}samples/${name}`;
    expect(kubectl('apply', '--dry-run=server', '-f', file)).toContain('created (server dry run)');
    expect(kubectl('apply', '-f', file)).toContain('created');
    for (const { metadata } of documents(sampleText(name))) {
      const { status } = await ask(plane, { path: `${POLICIES}/${metadata.name}` });
      expect(status).toBe(200);
    }
    expect(kubectl('apply', '-f', file)).toContain('unchanged');
    expect(kubectl('diff', '-f', file)).toBe('');
    kubectl('delete', '-f', file);
  });
});
