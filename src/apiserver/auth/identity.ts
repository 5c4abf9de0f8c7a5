/** Who a reviewed token is: pure. Nothing a request says enters here, only what Kubernetes vouches for. */
import type { ReviewedToken } from '../../runtime/kubernetes.ts';
import { ApiProblem } from '../problem.ts';

/** The agent that a token stands for. */
export interface Identity {
  /** Name of the node its pod runs on. */
  readonly node: string;
  /** UID of that Node; undefined where Kubernetes (< 1.30) does not say. */
  readonly nodeUid: string | undefined;
  readonly pod: string;
  readonly podUid: string;
  /** When the token ends, wall clock; undefined when it does not say. */
  readonly expiresAtMs: number | undefined;
}

/** What the review itself says; the node may have to be looked up through the pod. */
export type ReviewedIdentity = Omit<Identity, 'node' | 'expiresAtMs'> & { readonly node: string | undefined };

export interface Expected {
  audience: string;
  /** Namespace of the agents' ServiceAccount. */
  namespace: string;
  serviceAccount: string;
}

const EXTRA = 'authentication.kubernetes.io/';

/** Exactly one value, or none: two would be ambiguous. */
function only(extra: Record<string, string[]> | undefined, key: string): string | undefined {
  const values = extra?.[EXTRA + key];
  return values?.length === 1 && values[0] !== '' ? values[0] : undefined;
}

/** kube-apiserver has no code for it, only these words. */
const EXPIRED = /expired/i;

/**
 * @throws ApiProblem TokenInvalid, TokenExpired: Kubernetes does not vouch for it, or not for our audience.
 * WrongServiceAccount, TokenNotBound: it does, but for somebody who is no agent.
 */
export function identityOf(reviewed: ReviewedToken, expected: Expected): ReviewedIdentity {
  if (!reviewed.authenticated) {
    const detail = reviewed.error === undefined ? {} : { detail: reviewed.error.slice(0, 200) };
    throw new ApiProblem(EXPIRED.test(reviewed.error ?? '') ? 'TokenExpired' : 'TokenInvalid', detail);
  }
  // An authenticator that knows nothing of audiences returns none: then the token is for kube-apiserver, not for us.
  if (reviewed.audiences?.includes(expected.audience) !== true) {
    throw new ApiProblem('TokenInvalid', { detail: `the token is not for audience ${expected.audience}` });
  }
  const agent = `system:serviceaccount:${expected.namespace}:${expected.serviceAccount}`;
  if (reviewed.username !== agent) {
    throw new ApiProblem('WrongServiceAccount', { detail: `the token is not of ${agent}` });
  }
  const pod = only(reviewed.extra, 'pod-name');
  const podUid = only(reviewed.extra, 'pod-uid');
  if (pod === undefined || podUid === undefined) throw new ApiProblem('TokenNotBound');
  return { node: only(reviewed.extra, 'node-name'), nodeUid: only(reviewed.extra, 'node-uid'), pod, podUid };
}
