/** Whose shadow it is: pure, asked at every request and every event of a stream. */
import { GROUP, shadowName } from '../api/names.ts';
import type { BottlerocketShadow } from '../api/v2/bottlerocketshadow.ts';
import type { Identity } from './auth/identity.ts';
import { ApiProblem } from './problem.ts';

/** The Node that owns a shadow; undefined when it names none or more than one. */
export function ownerNode(shadow: BottlerocketShadow): { name: string; uid: string } | undefined {
  const nodes = (shadow.metadata.ownerReferences ?? []).filter(
    (owner) => owner.kind === 'Node' && owner.apiVersion === 'v1',
  );
  return nodes.length === 1 ? nodes[0] : undefined;
}

/**
 * True when the shadow is the caller's: of its node's name and, where Kubernetes says it (≥ 1.30), of its very Node.
 */
export function owns(identity: Identity, shadow: BottlerocketShadow): boolean {
  const owner = ownerNode(shadow);
  if (owner === undefined || owner.name !== identity.node) return false;
  if (shadow.metadata.name !== shadowName(identity.node)) return false;
  return identity.nodeUid === undefined || identity.nodeUid === owner.uid;
}

/** @throws ApiProblem NodeMismatch unless `owns`. */
export function requireOwner(identity: Identity, shadow: BottlerocketShadow): void {
  if (owns(identity, shadow)) return;
  throw new ApiProblem('NodeMismatch', {
    detail: `${shadow.metadata.name}.${GROUP} is not owned by the Node the token was made on`,
  });
}
