/** Invariant 1: the ledger says who is in flight, before it is so, and holds no more than allowed. */
import type { LedgerEntry } from '../../../api/v1/updatepolicy.ts';
import type { BottlerocketShadow } from '../../../api/v2/bottlerocketshadow.ts';
import type { MomentOf } from '../moment.ts';
import {
  cordonMarkOn,
  entriesOf,
  entryOf,
  idOf,
  isController,
  isStart,
  limitOf,
  marksOn,
  nodeOf,
  policyOf,
  reservedIn,
  selectedBy,
  shadowOf,
  startedShadow,
} from '../reading.ts';
import { plainRule } from '../rule.ts';
import type { Verdict } from '../rule.ts';

/** Every node in flight has its entry, written before. */
export const inFlightIsInLedger = plainRule(
  { name: 'inFlightIsInLedger', invariant: 1, of: ['shadow'] },
  (moment) => {
    const { after } = moment;
    if (after === undefined || after.spec.state === 'Idle') return undefined;
    const policy = policyOf(moment, after);
    // Without its policy there is no ledger; what is done then is another rule's business.
    if (policy === undefined) return undefined;
    return entriesOf(policy).some(({ shadowUid }) => shadowUid === after.metadata.uid)
      ? ''
      : `${after.metadata.name} is in state ${after.spec.state} without a slot`;
  },
);

/** An attempt is started by the controller, with the number, version and policy of its slot, one after the last. */
export const startsAreReserved = plainRule(
  { name: 'startsAreReserved', invariant: 1, of: ['shadow'] },
  (moment) => {
    const { before, by } = moment;
    const after = startedShadow(moment);
    if (after === undefined) return undefined;
    const { name } = after.metadata;
    if (!isController(by)) return `${name} was started by ${by}`;
    const { state, attempt = 0, policy } = after.spec;
    if (state !== 'StagedAndPerformedUpdate') return `${name} begins with state ${state}`;
    const entry = entriesOf(policyOf(moment, after)).find(
      ({ shadowUid }) => shadowUid === after.metadata.uid,
    );
    if (entry === undefined) return `${name} was started for ${policy?.name ?? 'no policy'} without a slot`;
    if (!isFor(entry, after)) return `${name} was started as attempt ${attempt}, its slot is for another`;
    return attempt === (before?.spec.attempt ?? 0) + 1 ? '' : `${name} skips to attempt ${attempt}`;
  },
);

const isFor = ({ phase, attempt, version }: LedgerEntry, { spec }: BottlerocketShadow): boolean =>
  phase === 'Reserved' && attempt === spec.attempt && version === spec.version;

/** No more slots than allowed; a limit that was lowered below what is taken may be exceeded, not filled further. */
export const ledgerKeepsLimit = plainRule(
  { name: 'ledgerKeepsLimit', invariant: 1, of: ['policy'] },
  (moment) => {
    const { before, after } = moment;
    if (after === undefined) return undefined;
    const started = reservedIn(before, after).filter((entry) => isStart(moment, entry));
    if (started.length === 0) return undefined;
    const used = entriesOf(after).filter(({ phase }) => phase !== 'Lost').length;
    // The controller may know of nodes that have gone or changed their labels since.
    const total = Math.max(after.status?.nodes?.selected ?? 0, selectedBy(moment, after).length);
    const limit = limitOf(after.spec.maxConcurrentUpdates ?? 1, total);
    return used <= limit ? '' : `policy ${after.metadata.name} uses ${used} slots of ${limit}`;
  },
);

/** What is really being done to machines is in a ledger: a node that is cordoned by us, one that we reboot. */
export const disruptedIsInLedger = plainRule(
  { name: 'disruptedIsInLedger', invariant: 1, of: ['node', 'down'] },
  (moment) => (moment.kind === 'down' ? rebootHasSlot(moment) : cordonHasSlot(moment)),
);

function rebootHasSlot(moment: MomentOf<'down'>): Verdict {
  const { node, byOthers } = moment;
  if (byOthers) return undefined;
  const shadow = shadowOf(moment, node);
  // A Node that was deleted meanwhile took its shadow, or its slot, with it.
  if (shadow === undefined || nodeOf(moment, node) === undefined) return undefined;
  if (policyOf(moment, shadow) === undefined) return undefined;
  return entryOf(moment, shadow.metadata.uid) === undefined ? `${node} reboots without a slot` : '';
}

function cordonHasSlot(moment: MomentOf<'node'>): Verdict {
  const { before, after, by } = moment;
  if (after?.spec?.unschedulable !== true || before?.spec?.unschedulable === true) return undefined;
  if (!isController(by)) return undefined;
  const owner = cordonMarkOn(after)?.owner;
  const entry = entryOf(moment, owner?.shadowUid);
  const isTheirs = entry?.phase === 'Reserved' && entry.attempt === owner?.attempt;
  return isTheirs ? '' : `${after.metadata.name} was cordoned without a slot`;
}

/** A slot is freed when nothing is left to undo: the shadow is Idle and no mark of the attempt is on the node. */
export const slotsAreFreedClean = plainRule(
  { name: 'slotsAreFreedClean', invariant: 1, of: ['policy'] },
  (moment) => {
    const { before, after } = moment;
    const kept = new Set(entriesOf(after).map(idOf));
    const gone = entriesOf(before).filter((entry) => !kept.has(idOf(entry)));
    if (gone.length === 0) return undefined;
    for (const entry of gone) {
      const node = nodeOf(moment, entry.node);
      if (node?.metadata.uid !== entry.uid) continue;
      const shadow = shadowOf(moment, entry.node);
      const isOwners = shadow?.metadata.uid === entry.shadowUid && shadow.spec.attempt === entry.attempt;
      if (isOwners && shadow.spec.policy?.uid === before?.metadata.uid && shadow.spec.state !== 'Idle')
        return `the slot of ${entry.node} was freed in state ${shadow.spec.state}`;
      const left = Object.entries(marksOn(node)).find(
        ([, { owner }]) => owner?.shadowUid === entry.shadowUid && owner.attempt === entry.attempt,
      );
      if (left !== undefined) return `the slot of ${entry.node} was freed with its mark ${left[0]}`;
    }
    return '';
  },
);
