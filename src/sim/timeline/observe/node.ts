/** What changes of a Node tell. */
import type { Node } from '../../../api/core.ts';
import { readMarks } from '../../../protocol/marks.ts';
import { happened, type Change, type Happening } from './happening.ts';

const isCordoned = (node: Node | undefined): boolean => node?.spec?.unschedulable === true;

const readiness = (node: Node | undefined): { status: string; reason: string } => {
  const condition = node?.status?.conditions?.find(({ type }) => type === 'Ready');
  return { status: condition?.status ?? '', reason: condition?.reason ?? '' };
};

/** True when the operator cordoned it. */
export const isCordonedByUs = (node: Node | undefined): boolean =>
  node !== undefined && isCordoned(node) && readMarks(node).marks['cordon'] !== undefined;

function cordon({ before, after }: Change<Node>): Happening[] {
  if (isCordoned(before) === isCordoned(after)) return [];
  if (!isCordoned(after)) return [happened('uncordoned')];
  return [happened('cordoned', isCordonedByUs(after) ? '' : 'by somebody else')];
}

function ready({ before, after }: Change<Node>): Happening[] {
  const [was, is] = [readiness(before), readiness(after)];
  if (was.status === is.status || is.status === '') return [];
  if (is.status === 'True') return [happened('ready')];
  // A node that is new has not become worse.
  return was.status === '' ? [] : [happened('notReady', is.reason)];
}

function boot({ before, after }: Change<Node>): Happening[] {
  const [was, is] = [before?.status?.nodeInfo, after?.status?.nodeInfo];
  if (was === undefined || is === undefined || was.bootID === is.bootID || was.bootID === '') return [];
  const into = was.osImage === is.osImage ? is.osImage : `${was.osImage} → ${is.osImage}`;
  return [happened('booted', into)];
}

/** See the head of this file. */
export function nodeHappenings(change: Change<Node>): Happening[] {
  if (change.after === undefined) return [happened('removed')];
  // What it was like before anybody looked is only told where it is not as usual.
  if (change.before === undefined) return cordon(change);
  return [...cordon(change), ...boot(change), ...ready(change)];
}
