/** Tokens, Leases and Events: small things with rules of their own. */
import { describe, expect, it } from 'vitest';
import { type Event, Events, type Lease, Leases, Pods, ServiceAccounts } from '../../../src/api/core.ts';
import { type ContractWorld, eventually, expectFailure, fresh, namespace, node, pod } from '../world.ts';

const AUDIENCE = 'contract-audience';
const EXTRA = 'authentication.kubernetes.io';

export function identitySuite(world: () => ContractWorld): void {
  const agent = async () => {
    const inNamespace = await namespace(world());
    const nodeName = await node(world());
    const account = await world().port.create(ServiceAccounts, {
      metadata: { name: 'agent', namespace: inNamespace },
    });
    const { metadata } = await pod(world(), {
      namespace: inNamespace,
      nodeName,
      serviceAccountName: 'agent',
    });
    const key = { name: metadata.name, namespace: inNamespace };
    const wish = { namespace: inNamespace, serviceAccount: 'agent', audiences: [AUDIENCE, 'other'] };
    const issue = (bound: { uid: string } = metadata) =>
      world().issueToken({ ...wish, pod: { name: metadata.name, uid: bound.uid } });
    return { inNamespace, nodeName, account, uid: metadata.uid, key, wish, issue };
  };

  const lease = async (spec: Lease['spec']): Promise<Lease> =>
    world().port.create(Leases, {
      metadata: { name: 'leader', namespace: await namespace(world()) },
      spec: { ...spec },
    });
  const event = (overrides: Partial<Event>, inNamespace = 'default'): Promise<Event> =>
    world().port.create(Events, {
      metadata: { name: fresh('event'), namespace: inNamespace },
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'contract.brupop.test/suite',
      reportingInstance: 'one',
      action: 'Test',
      reason: 'Tested',
      note: 'A note',
      type: 'Normal',
      regarding: { apiVersion: 'v1', kind: 'Node', name: 'n1' },
      ...overrides,
    });

  describe('the review of a token', () => {
    it('bound to a pod names account, pod and node', async () => {
      const { inNamespace, nodeName, account, uid, key, issue } = await agent();
      const review = await world().port.reviewToken(await issue(), [AUDIENCE]);
      expect(review).toMatchObject({
        authenticated: true,
        username: `system:serviceaccount:${inNamespace}:agent`,
        uid: account.metadata.uid,
        audiences: [AUDIENCE],
        extra: {
          [`${EXTRA}/pod-name`]: [key.name],
          [`${EXTRA}/pod-uid`]: [uid],
          [`${EXTRA}/node-name`]: [nodeName],
          [`${EXTRA}/node-uid`]: [expect.stringMatching(/^[0-9a-f-]{36}$/)],
        },
      });
      expect(review.error).toBeUndefined();
    });

    it('bound to none names only the account', async () => {
      const { wish } = await agent();
      const review = await world().port.reviewToken(await world().issueToken(wish), ['x', 'other']);
      expect([review.authenticated, review.audiences]).toEqual([true, ['other']]);
      expect(review.extra?.[`${EXTRA}/pod-name`]).toBeUndefined();
    });

    it('carries its end and its audiences in its second part', async () => {
      const { issue, inNamespace } = await agent();
      const [, payload = ''] = (await issue()).split('.');
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
      expect(claims).toMatchObject({
        aud: [AUDIENCE, 'other'],
        sub: `system:serviceaccount:${inNamespace}:agent`,
      });
      expect(Number(claims['exp']) * 1000).toBeGreaterThan(world().clock.now());
    });

    it.each([
      [
        'another audience',
        (token: string) => ({ token, audiences: ['wrong'] }),
        'is invalid for the target audiences',
      ],
      [
        'no audience, which is the server’s own',
        (token: string) => ({ token, audiences: [] }),
        'is invalid for the target audiences',
      ],
      [
        'something that is no token',
        () => ({ token: 'nonsense', audiences: [AUDIENCE] }),
        'invalid bearer token',
      ],
      [
        'a forged token',
        (token: string) => ({ token: `${token.slice(0, -6)}AAAAAA`, audiences: [AUDIENCE] }),
        'invalid bearer token',
      ],
    ])('with %s is no', async (_, twist, message) => {
      const { issue } = await agent();
      const { token, audiences } = twist(await issue());
      const review = await world().port.reviewToken(token, audiences);
      expect(review.authenticated).toBe(false);
      expect(review.error).toContain(message);
    });

    it('of the empty token is refused', async () => {
      await expectFailure(world().port.reviewToken('', [AUDIENCE]), 'invalid');
    });

    it('is yes while its pod is terminating, and no once that is gone', async () => {
      const { key, issue } = await agent();
      const token = await issue();
      await world().port.delete(Pods, key);
      expect((await world().port.reviewToken(token, ['other'])).authenticated).toBe(true);
      await world().port.delete(Pods, key, { gracePeriodSeconds: 0 });
      // The server looks pods up in a cache, which is a moment late.
      const refused = await eventually(
        world(),
        async () => (await world().port.reviewToken(token, [AUDIENCE])).error,
      );
      expect(refused).toContain('service account token has been invalidated');
    });

    it('is remembered for some seconds when it was yes', async () => {
      const { key, issue } = await agent();
      const token = await issue();
      expect((await world().port.reviewToken(token, [AUDIENCE])).authenticated).toBe(true);
      await world().port.delete(Pods, key, { gracePeriodSeconds: 0 });
      const began = world().clock.monotonic();
      const refused = await eventually(world(), async () => {
        const review = await world().port.reviewToken(token, [AUDIENCE]);
        return review.authenticated ? undefined : review;
      });
      expect(refused.error).toContain('service account token has been invalidated');
      expect(world().clock.monotonic() - began).toBeLessThan(15_000);
    });

    it('is no when another pod has taken the name, or the account is gone', async () => {
      const { key, issue, wish, nodeName } = await agent();
      const [bound, unbound] = [await issue(), await world().issueToken(wish)];
      await world().port.delete(Pods, key, { gracePeriodSeconds: 0 });
      await pod(world(), { ...key, nodeName, serviceAccountName: 'agent' });
      const error = (token: string) =>
        eventually(world(), async () => (await world().port.reviewToken(token, [AUDIENCE])).error);
      expect(await error(bound)).toMatch(/service account token has been invalidated|does not match/);
      await world().port.delete(ServiceAccounts, { name: 'agent', namespace: key.namespace });
      expect(await error(unbound)).toContain('serviceaccounts "agent" not found');
    });

    it('cannot be had for a pod that runs as another', async () => {
      const { wish, nodeName } = await agent();
      const { metadata } = await pod(world(), { namespace: wish.namespace, nodeName });
      const bound = { ...wish, pod: { name: metadata.name, uid: metadata.uid } };
      await expect(world().issueToken(bound)).rejects.toThrow('running with different serviceaccount name');
    });

    it('cannot be had for a pod of another UID', async () => {
      const { issue } = await agent();
      await expect(issue({ uid: 'another' })).rejects.toThrow(
        'the UID in the bound object reference (another) does not match',
      );
    });
  });

  describe('a Lease', () => {
    const renewTime = '2026-01-01T00:00:00.000000Z';

    it('changes hands only against the version that was read', async () => {
      const { metadata } = await lease({ holderIdentity: 'a', leaseDurationSeconds: 15, renewTime });
      const { resourceVersion, name, namespace: inNamespace = '' } = metadata;
      const take = (holderIdentity: string) =>
        world().port.patch(
          Leases,
          { name, namespace: inNamespace },
          { metadata: { resourceVersion }, spec: { holderIdentity } },
        );
      expect((await take('b')).spec).toEqual({ holderIdentity: 'b', leaseDurationSeconds: 15, renewTime });
      await expectFailure(take('c'), 'conflict');
    });

    it.each([
      ['seconds without digits after them', { renewTime: '2026-01-01T00:00:00Z' }, 400],
      ['milliseconds', { acquireTime: '2026-01-01T00:00:00.123Z' }, 400],
      ['no duration', { leaseDurationSeconds: 0 }, 422],
      ['fewer than no transitions', { leaseTransitions: -1 }, 422],
    ])('with %s is refused', async (_, spec, status) => {
      expect((await expectFailure(lease(spec), 'invalid')).status).toBe(status);
    });

    it('is not renewed with a time that cannot be read', async () => {
      const { metadata } = await lease({ holderIdentity: 'a', renewTime });
      const key = { name: metadata.name, namespace: metadata.namespace ?? '' };
      await expectFailure(
        world().port.patch(Leases, key, { spec: { renewTime: '2026-01-01T00:00:00Z' } }),
        'invalid',
      );
    });
  });

  describe('an Event', () => {
    it('about a node lies in the namespace default or kube-system', async () => {
      expect((await event({})).regarding?.name).toBe('n1');
      expect((await event({}, 'kube-system')).regarding?.name).toBe('n1');
      await expectFailure(event({}, 'kube-public'), 'invalid');
    });

    it.each<[string, Partial<Event>]>([
      ['an action', { action: '' }],
      ['a reason', { reason: '' }],
      ['a reporting instance', { reportingInstance: '' }],
      ['a type of the two', { type: 'Other' as 'Normal' }],
      ['a note of at most 1,024 characters', { note: 'n'.repeat(1025) }],
      ['a reason of at most 128 characters', { reason: 'r'.repeat(129) }],
    ])('needs %s', async (_, overrides) => {
      expect((await expectFailure(event(overrides), 'invalid')).status).toBe(422);
    });

    it('can be counted on, and nothing else of it can be changed', async () => {
      const { metadata } = await event({});
      const key = { name: metadata.name, namespace: 'default' };
      const series = { count: 2, lastObservedTime: '2026-01-01T00:00:01.000000Z' };
      expect((await world().port.patch(Events, key, { series })).series).toEqual(series);
      await expectFailure(world().port.patch(Events, key, { note: 'Another' }), 'invalid');
    });
  });

  describe('the clock of the server', () => {
    it('is known after an answer', async () => {
      await world()
        .port.get(ServiceAccounts, { name: 'none', namespace: 'default' })
        .catch(() => undefined);
      expect(Math.abs(world().port.clockSkewMs() ?? Infinity)).toBeLessThan(5_000);
    });
  });
}
