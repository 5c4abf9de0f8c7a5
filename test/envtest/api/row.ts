/** One row of the tables of accepted and refused objects. */
import type { KindName } from '../../../src/api/definitions.ts';
import { GROUP } from '../../../src/api/names.ts';
import type { KubeObject } from '../../../src/runtime/kubernetes.ts';

/** An object as a user may write it: anything. */
export interface Written extends KubeObject {
  spec?: unknown;
  status?: unknown;
}

export interface Row {
  title: string;
  kind: KindName;
  object: Written;
  /** What was stored before; an update is tried then, else a create. */
  old?: Written;
  /** `path: part of the message`, each of which the answer must have; empty = accepted. */
  refused: readonly string[];
  /** Whether the object is written to the status subresource. */
  status?: boolean;
}

const named = (kind: KindName, version: string, content: Partial<Written>): Written => ({
  apiVersion: `${GROUP}/${version}`,
  kind,
  metadata: { name: 'row' },
  ...content,
});

/** An UpdatePolicy with this spec. */
export const policy = (spec: unknown, content: Partial<Written> = {}): Written =>
  named('UpdatePolicy', 'v1', { spec, ...content });

/** A BottlerocketShadow with this spec and status. */
export const shadow = (spec: unknown, status?: unknown): Written =>
  named('BottlerocketShadow', 'v2', {
    metadata: { name: 'row', namespace: 'default' },
    spec,
    ...(status === undefined ? {} : { status }),
  });

/** A spec that is taken. */
export const accepts = (title: string, spec: unknown): Row => ({
  title,
  kind: 'UpdatePolicy',
  object: policy(spec),
  refused: [],
});

/** A spec that is refused, with parts of the answer. */
export const refuses = (title: string, spec: unknown, ...refused: string[]): Row => ({
  title,
  kind: 'UpdatePolicy',
  object: policy(spec),
  refused,
});
