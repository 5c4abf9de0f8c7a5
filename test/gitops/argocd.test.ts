/** The health that Argo CD shows, by running the scripts of config/gitops on what the controller writes. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { UpdatePolicySpec, UpdatePolicyStatus } from '../../src/api/v1/updatepolicy.ts';
import { withDefaults } from '../../src/policy/effective.ts';
import { policyState } from '../../src/policy/facts.ts';
import type { Halt, PolicyFacts } from '../../src/policy/facts.ts';
import { Progress } from '../../src/policy/progress.ts';
import type { StatusNode, Why } from '../../src/policy/progress.ts';
import { deriveStatus } from '../../src/policy/status.ts';
import { VersionRules } from '../../src/policy/versions.ts';
import { CompiledWindows } from '../../src/policy/windows.ts';
import { healthOf } from './lua.ts';

const file = new URL('../../config/gitops/argocd-cm.yaml', import.meta.url);
const { data } = parse(readFileSync(file, 'utf8')) as { data: Record<string, string> };
const scriptOf = (kind: string): string => {
  const script = data[`resource.customizations.health.brupop.bottlerocket.aws_${kind}`];
  if (script === undefined) throw new Error(`No script for ${kind}`);
  return script;
};

const GENERATION = 7;
const NOW = Date.parse('2026-01-07T12:00:00Z');
const weekend = { name: 'weekend', schedule: '0 1 * * 6', duration: '6h', timeZone: 'Europe/Paris' };
const halt: Halt = {
  reason: 'BootFallback',
  node: 'n1',
  version: '1.44.0',
  attempt: 1,
  at: '2026-01-07T11:00:00Z',
};

interface Looked {
  spec?: UpdatePolicySpec;
  facts?: Partial<PolicyFacts>;
  /** Of the one node. */
  node?: Partial<StatusNode>;
  why?: Why;
}

/** The status that the controller writes for a policy that wins one node. */
function statusOf({ spec = {}, facts = {}, node = {}, why }: Looked): UpdatePolicyStatus {
  const effective = withDefaults(spec);
  const policy = policyState(
    {
      name: 'workers',
      uid: 'u',
      effective,
      errors: [],
      deleting: false,
      halt: undefined,
      windows: new CompiledWindows(effective),
      versions: new VersionRules(effective.version),
      clockWrong: false,
      ...facts,
    },
    NOW,
  );
  const progress = new Progress();
  progress.add({ ...behind, ...node }, undefined, why);
  const source = { metadata: { name: 'workers', generation: GENERATION }, spec };
  return deriveStatus({ source, policy, progress, budget: { limit: 1, used: 0 }, usedByOthers: [] });
}

const behind: StatusNode = {
  name: 'n1',
  excluded: false,
  lastEnd: undefined,
  retryAtMs: undefined,
  variant: 'aws-k8s-1.36',
  arch: 'x86_64',
  current: '1.43.0',
  verdict: { kind: 'eligible', version: '1.44.0' },
};

const policyHealth = (status: object | undefined, spec: UpdatePolicySpec = {}) =>
  healthOf(scriptOf('UpdatePolicy'), {
    apiVersion: 'brupop.bottlerocket.aws/v1',
    kind: 'UpdatePolicy',
    metadata: { name: 'workers', generation: GENERATION },
    spec,
    ...(status === undefined ? {} : { status }),
  });

const message = (status: UpdatePolicyStatus, type: string): string | undefined =>
  status.conditions?.find((condition) => condition.type === type)?.message;

describe('a policy that nobody has looked at', () => {
  it.each<[string, object | undefined, RegExp]>([
    ['it has no status', undefined, /No controller has looked/],
    ['its status is empty', {}, /No controller has looked/],
    ['its status is the default of the CRD', { observedGeneration: -1 }, /No controller has looked/],
    [
      'it was changed since then',
      { ...statusOf({}), observedGeneration: GENERATION - 1 },
      /last change has not been looked at/,
    ],
    ['it has no conditions', { observedGeneration: GENERATION }, /No controller has looked/],
  ])('is Progressing: %s', async (_, status, text) => {
    const health = await policyHealth(status);
    expect(health.status).toBe('Progressing');
    expect(health.message).toMatch(text);
  });

  it('is Suspended when it is paused', async () =>
    expect(await policyHealth(undefined, { mode: 'Paused' })).toEqual({
      status: 'Suspended',
      message: 'Paused',
    }));

  it('does not show a trouble that may be over', async () => {
    const before = statusOf({ facts: { halt } });
    expect(await policyHealth({ ...before, observedGeneration: GENERATION - 1 })).toMatchObject({
      status: 'Progressing',
    });
  });
});

describe('a policy that was looked at', () => {
  it.each<[string, Looked]>([
    ['all is done', { node: { current: '1.44.0', verdict: { kind: 'upToDate', message: '' } } }],
    [
      'it waits for its window',
      {
        spec: { maintenanceWindows: [weekend] },
        why: { reason: 'WindowClosed', message: 'No window is open.' },
      },
    ],
    ['it only shows what it would do', { spec: { mode: 'DryRun' } }],
    ['it is being deleted', { facts: { deleting: true } }],
  ])('is Healthy: %s', async (_, looked) => {
    const status = statusOf(looked);
    expect(await policyHealth(status, looked.spec)).toEqual({
      status: 'Healthy',
      message: message(status, 'Ready'),
    });
  });

  it.each<[string, Looked]>([
    ['it is halted', { facts: { halt } }],
    [
      'it is invalid',
      {
        facts: {
          errors: [{ path: 'spec.interval', value: '1d', message: 'is wrong' }],
          windows: undefined,
          versions: undefined,
        },
      },
    ],
    ['it is halted and paused', { spec: { mode: 'Paused' }, facts: { halt } }],
  ])('is Degraded, and says why: %s', async (_, looked) => {
    const status = statusOf(looked);
    const health = await policyHealth(status, looked.spec);
    expect(health).toEqual({ status: 'Degraded', message: message(status, 'Stalled') });
    expect(health.message).toMatch(/halted since|spec\.interval/);
  });

  it('is Suspended while it is paused', async () => {
    const spec: UpdatePolicySpec = { mode: 'Paused' };
    expect(await policyHealth(statusOf({ spec }), spec)).toMatchObject({ status: 'Suspended' });
  });

  it('is Progressing when it is not Ready, but needs nobody', async () => {
    const status = {
      observedGeneration: GENERATION,
      conditions: [
        { type: 'Ready', status: 'False', message: 'Soon.' },
        { type: 'Stalled', status: 'False', message: 'Nothing needs a person.' },
      ],
    };
    expect(await policyHealth(status)).toEqual({ status: 'Progressing', message: 'Soon.' });
  });
});

it('a shadow is always Healthy', async () =>
  expect(await healthOf(scriptOf('BottlerocketShadow'), { status: { current_state: 'ErrorReset' } })).toEqual(
    { status: 'Healthy' },
  ));
