import { beforeEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../sim/clock.ts';
import type { ReviewedToken } from '../../runtime/kubernetes.ts';
import type { ScriptedKubernetes } from '../testworld.ts';
import { agentPod, agentReview, oldReview, token, world } from '../testworld.ts';
import type { AgentApi } from '../agentapi.ts';

const EXTRA = 'authentication.kubernetes.io/';

let clock: VirtualClock;
let kubernetes: ScriptedKubernetes;
let api: AgentApi;
let bearer: string;

beforeEach(() => {
  clock = new VirtualClock();
  ({ kubernetes, api, bearer } = world({ clock }));
});

const without = (key: string): ReviewedToken => {
  const review = agentReview('node-a');
  const extra = { ...review.extra };
  delete extra[EXTRA + key];
  return { ...review, extra };
};

const withExtra = (key: string, values: string[]): ReviewedToken => {
  const review = agentReview('node-a');
  return { ...review, extra: { ...review.extra, [EXTRA + key]: values } };
};

/** Presents a token of which Kubernetes says this. */
const present = (review: ReviewedToken, text = token('other')): ReturnType<AgentApi['authenticate']> => {
  kubernetes.tokens.set(text, review);
  return api.authenticate(`Bearer ${text}`);
};

describe('the identity of a token', () => {
  it('is the node its pod runs on, as Kubernetes vouches', async () => {
    expect(await api.authenticate(bearer)).toEqual({
      node: 'node-a',
      nodeUid: 'node-uid-node-a',
      pod: 'agent-node-a',
      podUid: 'pod-uid-node-a',
      expiresAtMs: clock.now() + 3_600_000,
    });
  });

  it('is looked up through the pod where Kubernetes does not name the node', async () => {
    expect(await present(oldReview('node-a'))).toMatchObject({ node: 'node-a', nodeUid: undefined });
    expect(kubernetes.count('get')).toBe(0);
  });

  it('needs a live look when the pod is newer than the watch', async () => {
    kubernetes.pods.set('agent-node-b', agentPod('node-b'));
    expect(await present(agentReview('node-b'))).toMatchObject({ node: 'node-b' });
    expect(kubernetes.count('get')).toBe(1);
  });
});

describe('abuse of tokens', () => {
  const me = 'system:serviceaccount:brupop-bottlerocket-aws';
  it.each<[name: string, review: ReviewedToken, code: string]>([
    ['one Kubernetes does not know', { authenticated: false }, 'TokenInvalid'],
    [
      'an expired one',
      { authenticated: false, error: '[invalid bearer token, service account token has expired]' },
      'TokenExpired',
    ],
    ['one for kube-apiserver', agentReview('node-a', { audiences: ['https://kubernetes'] }), 'TokenInvalid'],
    ['one without audiences', agentReview('node-a', { audiences: [] }), 'TokenInvalid'],
    ['the controller', agentReview('node-a', { username: `${me}:brupop-controller` }), 'WrongServiceAccount'],
    [
      'a ServiceAccount of the same name elsewhere',
      agentReview('node-a', { username: 'system:serviceaccount:default:brupop-agent' }),
      'WrongServiceAccount',
    ],
    ['a person', agentReview('node-a', { username: 'brupop-agent' }), 'WrongServiceAccount'],
    ['one bound to no pod', without('pod-uid'), 'TokenNotBound'],
    ['one with two pods', withExtra('pod-name', ['agent-node-a', 'agent-node-b']), 'TokenNotBound'],
    ['one with an empty pod', withExtra('pod-uid', ['']), 'TokenNotBound'],
    ['one whose pod was replaced', withExtra('pod-uid', ['another']), 'PodReplaced'],
    ['one whose pod never was', withExtra('pod-name', ['nobody']), 'PodReplaced'],
    ['one whose pod runs elsewhere', withExtra('node-name', ['node-b']), 'NodeMismatch'],
  ])('refuses %s', async (_name, review, code) => {
    await expect(present(review)).rejects.toMatchObject({ code });
  });

  it('refuses a pod of the right name that runs as another ServiceAccount', async () => {
    api.podChanged(agentPod('node-c', { serviceAccount: 'default' }));
    await expect(present(oldReview('node-c'))).rejects.toMatchObject({ code: 'WrongServiceAccount' });
  });

  it.each<[string, string | undefined, string]>([
    ['no header', undefined, 'TokenMissing'],
    ['an empty header', '', 'TokenMissing'],
    ['another scheme', 'Basic YTpi', 'TokenInvalid'],
    ['two tokens', 'Bearer a b', 'TokenInvalid'],
    ['a line break', 'Bearer a\nb', 'TokenInvalid'],
    ['9 KiB', `Bearer ${'a'.repeat(9000)}`, 'TokenInvalid'],
  ])('refuses %s without asking Kubernetes', async (_name, header, code) => {
    await expect(api.authenticate(header)).rejects.toMatchObject({ code });
    expect(kubernetes.count('review')).toBe(0);
  });

  it('refuses what says itself that it has expired, without asking Kubernetes', async () => {
    const header = `Bearer ${token('old', clock.now())}`;
    await expect(api.authenticate(header)).rejects.toMatchObject({ code: 'TokenExpired' });
    expect(kubernetes.count('review')).toBe(0);
  });

  it.each(['no jwt at all', 'a.!!!.c', `a.${Buffer.from('"text"').toString('base64url')}.c`])(
    'asks Kubernetes about text that says nothing of itself: %s',
    async (text) => {
      const header = `Bearer ${text.replaceAll(/[ !]/g, '_')}`;
      await expect(api.authenticate(header)).rejects.toMatchObject({ code: 'TokenInvalid' });
      expect(kubernetes.count('review')).toBe(1);
    },
  );
});

describe('the cache', () => {
  it('asks once a minute', async () => {
    await api.authenticate(bearer);
    await clock.advance(59_000);
    await api.authenticate(bearer);
    expect(kubernetes.count('review')).toBe(1);
    await clock.advance(1000);
    await api.authenticate(bearer);
    expect(kubernetes.count('review')).toBe(2);
  });

  it('never outlives the token', async () => {
    const short = token('short', clock.now() + 10_000);
    await present(agentReview('node-a'), short);
    await clock.advance(10_000);
    await expect(api.authenticate(`Bearer ${short}`)).rejects.toMatchObject({ code: 'TokenExpired' });
  });

  it('keeps no bad news', async () => {
    await expect(present({ authenticated: false })).rejects.toMatchObject({ code: 'TokenInvalid' });
    await expect(present(agentReview('node-a'))).resolves.toMatchObject({ node: 'node-a' });
  });

  it('forgets an agent whose pod is deleted', async () => {
    await api.authenticate(bearer);
    api.podDeleted(agentPod('node-a'));
    await expect(api.authenticate(bearer)).rejects.toMatchObject({ code: 'PodReplaced' });
    await expect(api.authenticate(bearer)).rejects.toMatchObject({ code: 'PodReplaced' });
  });

  it('forgets an agent whose pod was replaced under its name', async () => {
    await api.authenticate(bearer);
    api.podChanged(agentPod('node-a', { uid: 'new' }));
    await expect(api.authenticate(bearer)).rejects.toMatchObject({ code: 'PodReplaced' });
  });

  it('does not take in an agent whose pod is deleted during the review', async () => {
    kubernetes.script('review', { before: () => api.podDeleted(agentPod('node-a')) });
    await expect(api.authenticate(bearer)).rejects.toMatchObject({ code: 'PodReplaced' });
  });
});

describe('reviews', () => {
  it('of one token are under way once', async () => {
    const both = await Promise.all([api.authenticate(bearer), api.authenticate(bearer)]);
    expect(both[0]).toEqual(both[1]);
    expect(kubernetes.count('review')).toBe(1);
  });

  it('are at most 50 a second, and the rest come back spread over the time they need', async () => {
    const asked = await Promise.allSettled(
      Array.from({ length: 200 }, (_, n) => api.authenticate(`Bearer ${token(`t${n}`)}`)),
    );
    const waits = asked
      .map((one) => (one as PromiseRejectedResult).reason as { code: string; retryAfterMs?: number })
      .filter(({ code }) => code === 'TooManyReviews')
      .map(({ retryAfterMs }) => retryAfterMs ?? 0);
    expect(kubernetes.count('review')).toBe(50);
    expect(waits).toHaveLength(150);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(1000);
    expect(Math.max(...waits)).toBeGreaterThan(2000);
    await clock.advance(1000);
    await expect(api.authenticate(bearer)).resolves.toMatchObject({ node: 'node-a' });
  });

  it.each(['unknown', 'server', 'throttled', 'forbidden', 'unauthorized'] as const)(
    'that could not run (%s) refuse nobody for good',
    async (code) => {
      kubernetes.fail('review', code);
      await expect(api.authenticate(bearer)).rejects.toMatchObject({ code: 'ReviewUnavailable' });
      await expect(api.authenticate(bearer)).resolves.toMatchObject({ node: 'node-a' });
    },
  );

  it('that hang are given up after 10 s', async () => {
    kubernetes.script('review', { before: () => new Promise(() => undefined) });
    const asked = expect(api.authenticate(bearer)).rejects.toMatchObject({ code: 'ReviewUnavailable' });
    await clock.advance(10_000);
    await asked;
  });

  it('are given up when the pod cannot be looked up', async () => {
    kubernetes.fail('get', 'unknown');
    const asked = present(agentReview('node-b'));
    await expect(asked).rejects.toMatchObject({ code: 'ReviewUnavailable' });
  });
});
