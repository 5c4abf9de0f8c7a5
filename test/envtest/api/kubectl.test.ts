/** What a user sees with kubectl. */
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { ask, askFor } from '../../../hack/controlplane/request.ts';
import { installCrds } from '../../support/crds.ts';
import { policy, shadow } from './row.ts';

const plane = inject('controlPlane');
const POLICIES = '/apis/brupop.bottlerocket.aws/v1/updatepolicies';
const SHADOWS = '/apis/brupop.bottlerocket.aws/v2/namespaces/default/bottlerocketshadows';
const SINCE = '2026-11-21T01:04:00Z';

const kubectl = (...args: string[]): string =>
  execFileSync(plane.kubectl, ['--kubeconfig', plane.kubeconfig, ...args], { encoding: 'utf8' });

/** Writes the object, named `name`, then its status. */
const store = async (path: string, object: object, status: object): Promise<void> => {
  const [, collection = '', name] = /^(.*)[/]([^/]+)$/.exec(path) ?? [];
  await askFor(plane, { method: 'POST', path: collection, body: { ...object, metadata: { name } } });
  await askFor(plane, {
    method: 'PATCH',
    path: `${path}/status`,
    body: { status },
    contentType: 'application/merge-patch+json',
  });
};

beforeAll(async () => {
  await installCrds(plane);
  await store(
    `${POLICIES}/weekend-window`,
    policy({ maintenanceWindows: [{ schedule: '0 1 * * 6', duration: '6h', timeZone: 'Europe/Paris' }] }),
    {
      observedGeneration: 1,
      nodes: { selected: 40, upToDate: 12, pending: 26, updating: 2, failed: 0, undrainable: 0, excluded: 0 },
      summary: { updated: '12/40', window: 'closed, opens Sat 01:00 CET', reason: 'WindowClosed' },
      rollout: { targetVersion: '1.44.0' },
    },
  );
  await store(
    `${SHADOWS}/brs-ip-10-0-1-5`,
    shadow({ state: 'Idle', policy: { name: 'weekend-window', uid: 'u' } }),
    {
      current_state: 'Idle',
      current_version: '1.42.0',
      target_version: '1.44.0',
      crash_count: 0,
      update: {
        reason: 'WindowClosed',
        message: 'No maintenance window is open until Sat 01:00 CET.',
        since: SINCE,
      },
    },
  );
});

afterAll(async () => {
  await ask(plane, { method: 'DELETE', path: `${POLICIES}/weekend-window` });
  await ask(plane, { method: 'DELETE', path: `${SHADOWS}/brs-ip-10-0-1-5` });
});

describe('kubectl get', () => {
  it('shows a policy in 120 columns', () => {
    const [head = '', row = ''] = kubectl('get', 'upol', 'weekend-window').split('\n');
    expect(head.trim().split(/\s{2,}/)).toEqual([
      'NAME',
      'MODE',
      'WINDOW',
      'UPDATED',
      'UPDATING',
      'FAILED',
      'TARGET',
      'REASON',
      'AGE',
    ]);
    expect(
      row
        .trim()
        .split(/\s{2,}/)
        .slice(0, -1),
    ).toEqual([
      'weekend-window',
      'Enabled',
      'closed, opens Sat 01:00 CET',
      '12/40',
      '2',
      '0',
      '1.44.0',
      'WindowClosed',
    ]);
    expect(Math.max(head.length, row.length)).toBeLessThanOrEqual(120);
  });

  it("shows a shadow with Brupop's columns first, in 120 columns", () => {
    const [head = '', row = ''] = kubectl('get', 'brs', 'brs-ip-10-0-1-5').split('\n');
    expect(head.trim().split(/\s{2,}/)).toEqual([
      'NAME',
      'STATE',
      'VERSION',
      'TARGET STATE',
      'TARGET VERSION',
      'CRASH COUNT',
      'REASON',
    ]);
    expect(row).toMatch(/Idle +1[.]42[.]0 +Idle +0 +WindowClosed/);
    expect(Math.max(head.length, row.length)).toBeLessThanOrEqual(120);
  });

  it('shows the owner of a shadow and the reason in words when asked for more', () => {
    const [head = '', row = ''] = kubectl('get', 'brs', 'brs-ip-10-0-1-5', '-o', 'wide').split('\n');
    expect(head).toMatch(/POLICY +MESSAGE/);
    expect(row).toMatch(/weekend-window +No maintenance window is open until Sat 01:00 CET[.]/);
  });

  it.each(['bottlerocket', 'brupop'])('lists both kinds by the category %s', (category) => {
    const names = kubectl('get', category, '-o', 'name');
    expect(names).toContain('updatepolicy.brupop.bottlerocket.aws/weekend-window');
    expect(names).toContain('bottlerocketshadow.brupop.bottlerocket.aws/brs-ip-10-0-1-5');
  });

  it('marks a policy that no controller has looked at', async () => {
    const created = await askFor<{ status?: object }>(plane, {
      method: 'POST',
      path: `${POLICIES}?dryRun=All`,
      body: policy({}),
    });
    expect(created.status).toEqual({ observedGeneration: -1 });
  });
});

describe('kubectl explain', () => {
  it.each([
    [
      'upol.spec.maintenanceWindows',
      'closed everywhere else',
      'schedule\t<string> -required-',
      'elapsed time',
    ],
    ['upol.spec.drain', 'PodDisruptionBudgets always hold', 'waitForPods\t<Object>', 'timeout\t<string>'],
    ['upol.spec.maxConcurrentUpdates', 'a percentage of the selected nodes such as "10%"'],
    ['upol.spec.mode', 'ENUM: Enabled Paused DryRun', 'Paused acts as a closed window'],
    ['upol.status', 'The slot ledger', 'Why nodes wait'],
    ['brs.spec', 'What the controller wants of the host', 'state\t<string> -required-'],
    ['brs.status.host.rebootIntent', 'commit point'],
  ])('documents %s', (path, ...texts) => {
    const text = kubectl('explain', path).replaceAll(/\n +/g, ' ');
    for (const each of texts) expect(text).toContain(each);
  });

  it('has a description for every field of the spec', () => {
    expect(kubectl('explain', 'upol.spec', '--recursive')).toContain('waitForPods');
    expect(kubectl('explain', 'upol.spec')).not.toContain('<no description>');
  });
});

describe('kubectl apply', () => {
  it('refuses a misspelled field by name', () => {
    const object = JSON.stringify(policy({ maintenanceWindow: [] }));
    expect(() =>
      execFileSync(
        plane.kubectl,
        ['--kubeconfig', plane.kubeconfig, 'create', '--dry-run=server', '-f', '-'],
        {
          input: object,
          encoding: 'utf8',
          stdio: ['pipe', 'pipe', 'pipe'],
        },
      ),
    ).toThrow('unknown field "spec.maintenanceWindow"');
  });
});
