/**
 * What happens to a node whose policy is gone, ledger and all, though its finalizer should have held it (protocol 3):
 * with an open intent it is finished with defaults, else put back. Nothing can be counted: there is no ledger.
 */
import type { EndReason } from '../api/reasons.ts';
import { nextStep } from './attempt.ts';
import type { AttemptStep, AttemptView } from './attempt.ts';

/**
 * Decides the next step of a shadow that is not Idle and names a policy that is gone. The view's entry is the one
 * `adopt` makes of the shadow, its policy holds defaults and is `ending`. Only steps that write the shadow or the Node
 * are returned; once the shadow is Idle there is nothing left to decide, and stray marks are swept.
 */
export function orphanStep(view: AttemptView): AttemptStep {
  const step = nextStep(view);
  if (step.do === 'extendEntry') return { do: 'extendSpec', deadlineMs: step.deadlineMs };
  if (step.do === 'remove' || step.do === 'backoff') return NOTHING;
  if (step.do !== 'count') return step;
  return step.lost === true
    ? { do: 'wait', reason: 'RebootLost', message: step.message }
    : fence(view, step.end, step.message);
}

const NOTHING: AttemptStep = { do: 'wait', reason: 'PuttingBack', message: 'Nothing to do.' };

function fence({ shadow, now, policy }: AttemptView, end: EndReason, message: string): AttemptStep {
  if (shadow === undefined || shadow.spec.state === 'Idle') return NOTHING;
  return { do: 'fence', end, message, deadlineMs: now + policy.stageTimeoutMs };
}
