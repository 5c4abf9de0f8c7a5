/** All rules of the monitor. */
import {
  agentsChangeTheirPart,
  controllersLeaveReports,
  intentsAreLegal,
  intentsCloseRightly,
  reportsAreInOrder,
  reportsAreOfTheirHost,
} from './rules/agents.ts';
import {
  attemptsGoForward,
  backoffIsKept,
  deadlinesMoveOnce,
  endsAreCountedOnce,
  noFenceUnderIntent,
  phasesFitReasons,
  statesFollowReports,
  successIsTrue,
} from './rules/attempts.ts';
import {
  budgetsAllowEvictions,
  cordonSettles,
  drainedBeforeReboot,
  evictsOnlyEvictable,
  ownPodsGoLast,
} from './rules/drains.ts';
import { failuresAreTrue } from './rules/failures.ts';
import { bootsAreOfTheAttempt, rebootsAreIntended, settingsAreGivenBack } from './rules/hosts.ts';
import {
  availabilityHolds,
  domainCapsHold,
  haltedGoesNoFurther,
  haltedStartsNothing,
  onlyEnabledStarts,
  othersWordIsKept,
  targetsAreAllowed,
} from './rules/limits.ts';
import {
  changesAreMarked,
  noUncordonBeforeReboot,
  noUncordonUnderIntent,
  othersValuesStand,
  quietNodesAreFree,
  wantsAreKept,
} from './rules/marks.ts';
import {
  disruptedIsInLedger,
  inFlightIsInLedger,
  ledgerKeepsLimit,
  slotsAreFreedClean,
  startsAreReserved,
} from './rules/slots.ts';
import {
  cordonsOnlyInWindows,
  evictionsOnlyInWindows,
  intentsOnlyInWindows,
  notAfterIsTheClose,
  rebootsOnlyInWindows,
  slotsLeaveTime,
  startsLeaveTime,
} from './rules/windows.ts';
import type { InvariantRule } from './rule.ts';

/** See the head of this file. */
export const RULES: readonly InvariantRule[] = [
  inFlightIsInLedger,
  startsAreReserved,
  ledgerKeepsLimit,
  disruptedIsInLedger,
  slotsAreFreedClean,
  cordonsOnlyInWindows,
  evictionsOnlyInWindows,
  intentsOnlyInWindows,
  rebootsOnlyInWindows,
  slotsLeaveTime,
  startsLeaveTime,
  notAfterIsTheClose,
  drainedBeforeReboot,
  cordonSettles,
  evictsOnlyEvictable,
  ownPodsGoLast,
  quietNodesAreFree,
  changesAreMarked,
  othersValuesStand,
  wantsAreKept,
  settingsAreGivenBack,
  othersWordIsKept,
  haltedStartsNothing,
  haltedGoesNoFurther,
  onlyEnabledStarts,
  targetsAreAllowed,
  bootsAreOfTheAttempt,
  endsAreCountedOnce,
  failuresAreTrue,
  phasesFitReasons,
  budgetsAllowEvictions,
  domainCapsHold,
  availabilityHolds,
  agentsChangeTheirPart,
  controllersLeaveReports,
  reportsAreOfTheirHost,
  reportsAreInOrder,
  intentsAreLegal,
  intentsCloseRightly,
  rebootsAreIntended,
  attemptsGoForward,
  statesFollowReports,
  deadlinesMoveOnce,
  successIsTrue,
  backoffIsKept,
  noUncordonBeforeReboot,
  noUncordonUnderIntent,
  noFenceUnderIntent,
];
