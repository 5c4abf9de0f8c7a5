/** Invariants 4, 5 and 10: what others set on a node stays, and ours is undone, in its time. */
import { Nodes } from '../../../api/core.ts';
import type { Node } from '../../../api/core.ts';
import type { BottlerocketShadow } from '../../../api/v2/bottlerocketshadow.ts';
import type { Want } from '../../actors/wants.ts';
import type { MomentOf } from '../moment.ts';
import { changesOf, unset, valuesOf } from '../nodehistory.ts';
import {
  cordonMarkOn,
  entryOf,
  isController,
  isOperator,
  marksOn,
  openIntent,
  shadowOf,
} from '../reading.ts';
import { plainRule } from '../rule.ts';

/**
 * Whatever the operator changes on a Node is either what others last wanted there, or is recorded in the same write with
 * what others wanted before.
 */
export const changesAreMarked = plainRule(
  { name: 'changesAreMarked', invariant: 5, of: ['node'] },
  (moment) => {
    const { before, after, by } = moment;
    if (before === undefined || after === undefined || !isOperator(by)) return undefined;
    const record = moment.nodes.get(after.metadata.uid);
    const marks = marksOn(after);
    const { name } = after.metadata;
    for (const [key, value] of changesOf(moment)) {
      const others = record?.of(key) ?? unset(key);
      if (value === others) continue;
      const mark = marks[key];
      if (mark === undefined) return `${name}: ${key} became ${String(value)}, others want ${String(others)}`;
      if (mark.ours !== value || mark.was !== others)
        return `${name}: the mark of ${key} says ${String(mark.was)} → ${String(mark.ours)}, it was ${String(others)} → ${String(value)}`;
    }
    return '';
  },
);

/** The cordon goes only when the host is not to be rebooted any more: put back, or back from its reboot. */
export const noUncordonBeforeReboot = plainRule(
  { name: 'noUncordonBeforeReboot', invariant: 10, of: ['node'] },
  (moment) => {
    if (!isOwnUncordon(moment)) return undefined;
    const shadow = shadowOf(moment, moment.after?.metadata.name ?? '');
    const owner = cordonMarkOn(moment.before)?.owner;
    if (shadow === undefined || shadow.metadata.uid !== owner?.shadowUid) return '';
    const { state } = shadow.spec;
    return state === 'Idle' || state === 'MonitoringUpdate'
      ? ''
      : `${moment.after?.metadata.name ?? ''} was uncordoned in state ${state}`;
  },
);

const isOwnUncordon = ({ before, after, by }: MomentOf<'node'>): boolean =>
  after !== undefined &&
  isController(by) &&
  before?.spec?.unschedulable === true &&
  after.spec?.unschedulable !== true;

/** An open intent of a silent host keeps the cordon. */
export const noUncordonUnderIntent = plainRule(
  { name: 'noUncordonUnderIntent', invariant: 10, of: ['node'] },
  (moment) => {
    if (!isOwnUncordon(moment)) return undefined;
    const { name } = moment.after?.metadata ?? { name: '' };
    return openIntent(shadowOf(moment, name)) === undefined
      ? ''
      : `${name} was uncordoned with an open intent`;
  },
);

/** What is shown of a node explains that it is cordoned by us, or still marked. */
const isExplained = (moment: MomentOf<'quiet'>, shadow: BottlerocketShadow | undefined): boolean =>
  shadow !== undefined &&
  (shadow.spec.state !== 'Idle' || entryOf(moment, shadow.metadata.uid) !== undefined) &&
  (shadow.status?.update?.reason ?? '') !== '';

/** When things are quiet no node carries a mark of an attempt, or a cordon nobody wants, without its shadow saying why. */
export const quietNodesAreFree = plainRule(
  { name: 'quietNodesAreFree', invariant: 4, of: ['quiet'] },
  (moment) => {
    for (const node of moment.cluster.peekAll(Nodes)) {
      const { name, uid } = node.metadata;
      if (isExplained(moment, shadowOf(moment, name))) continue;
      const left = Object.entries(marksOn(node)).find(([, { owner }]) => owner !== undefined);
      if (left !== undefined) return `${name} is left with the mark ${left[0]} of an attempt`;
      const isWanted = moment.nodes.get(uid)?.of('cordon') === true;
      if (node.spec?.unschedulable === true && !isWanted)
        return `${name} is left cordoned, and nobody wants that`;
    }
    return '';
  },
);

/** When things are quiet every node is as others last made it, but for what is recorded. */
export const othersValuesStand = plainRule(
  { name: 'othersValuesStand', invariant: 5, of: ['quiet'] },
  (moment) => {
    for (const node of moment.cluster.peekAll(Nodes)) {
      const record = moment.nodes.get(node.metadata.uid);
      if (record === undefined || isExplained(moment, shadowOf(moment, node.metadata.name))) continue;
      const values = valuesOf(node);
      const marks = marksOn(node);
      for (const key of record.keys()) {
        const [wanted, found] = [record.of(key), values.get(key) ?? unset(key)];
        if (wanted === found || marks[key]?.ours === found) continue;
        return `${node.metadata.name}: ${key} is ${String(found)}, others last made it ${String(wanted)}`;
      }
    }
    return '';
  },
);

const nodeIs = (node: Node, { key }: Want): Want['value'] =>
  valuesOf(node).get(key) ?? (key.startsWith('taint/') ? false : unset(key));

/** When things are quiet what actors said they want is so: one that could be seen when it was said. */
export const wantsAreKept = plainRule({ name: 'wantsAreKept', invariant: 5, of: ['quiet'] }, (moment) => {
  const { wants, cluster } = moment;
  if (wants === undefined) return undefined;
  let judged: '' | undefined;
  for (const want of wants.all()) {
    if (want.kind !== 'Node' || want.found === want.value) continue;
    const node = cluster.peek(Nodes, { name: want.name });
    if (node?.metadata.uid !== want.uid || marksOn(node)[want.key] !== undefined) continue;
    const wanted = want.key.startsWith('taint/') && want.value === true ? nodeIs(node, want) : want.value;
    const found = nodeIs(node, want);
    const isGone = want.key.startsWith('taint/') && want.value === true && found === false;
    if (isGone || found !== wanted)
      return `${want.name}: ${want.actor} wants ${want.key} ${String(want.value)}, it is ${String(found)}`;
    judged = '';
  }
  return judged;
});
