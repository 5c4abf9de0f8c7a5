/** A shadow as agents get it. */
import type { StreamLine, WireShadow } from '../api/wire.ts';
import type { BottlerocketShadow } from '../api/v2/bottlerocketshadow.ts';

/** The part of a shadow that its agent needs; the controller's part of status stays here. */
export function toWire(shadow: BottlerocketShadow): WireShadow {
  const { name, uid, generation, deletionTimestamp } = shadow.metadata;
  return {
    metadata: {
      name,
      uid: uid ?? '',
      generation: generation ?? 0,
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    },
    spec: shadow.spec,
    ...(shadow.status === undefined ? {} : { status: agentsPart(shadow.status) }),
  };
}

/** What the API server writes for the agent, and nothing else of status. */
function agentsPart(status: NonNullable<BottlerocketShadow['status']>): NonNullable<WireShadow['status']> {
  const { current_state, current_version, target_version, host } = status;
  return {
    ...(current_state === undefined ? {} : { current_state }),
    ...(current_version === undefined ? {} : { current_version }),
    ...(target_version === undefined ? {} : { target_version }),
    ...(host === undefined ? {} : { host }),
  };
}

/** One line of the stream, with its end. */
export const toLine = (line: StreamLine): string => `${JSON.stringify(line)}\n`;

/** Keeps of a shadow what this process reads. */
export const trimShadow = (shadow: BottlerocketShadow): BottlerocketShadow => {
  const { name, namespace, uid, resourceVersion, generation, deletionTimestamp, ownerReferences } =
    shadow.metadata;
  return {
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      ...(generation === undefined ? {} : { generation }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
      ...(ownerReferences === undefined ? {} : { ownerReferences }),
    },
    spec: shadow.spec,
    ...(shadow.status === undefined ? {} : { status: agentsPart(shadow.status) }),
  };
};
