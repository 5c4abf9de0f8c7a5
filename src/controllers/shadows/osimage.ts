/** What `status.nodeInfo.osImage` says of a host: whether it is Bottlerocket, which version, and whether we can drive it. */
import { coerce, lt } from 'semver';
import type { Node } from '../../api/core.ts';
import { OS_IMAGE_PREFIX } from '../../api/names.ts';

/** The first version whose host API has the update actions of interface 2.0.0. */
export const OLDEST_SUPPORTED = '0.4.1';

const imageOf = (node: Node): string => node.status?.nodeInfo?.osImage ?? '';

export const isBottlerocket = (node: Node): boolean => imageOf(node).startsWith(OS_IMAGE_PREFIX);

/** The version in osImage, such as "1.42.0"; undefined when there is none to be read. */
export function osVersion(node: Node): string | undefined {
  const text = imageOf(node).slice(OS_IMAGE_PREFIX.length).trim().split(' ')[0] ?? '';
  return coerce(text)?.version;
}

/** False only for a version that is known to be too old. */
export function isSupported(node: Node): boolean {
  const version = osVersion(node);
  return version === undefined || !lt(version, OLDEST_SUPPORTED);
}
