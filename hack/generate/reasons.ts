/** docs/reference/reasons.md, from the closed list of reasons. */
import {
  CONDITION_REASONS,
  END_COUNTS,
  END_REASONS,
  PROGRESS_REASONS,
  WAIT_REASONS,
} from '../../src/api/reasons.ts';
import type { EndReason, ReasonText } from '../../src/api/reasons.ts';
import { cell, code, page, table } from './markdown.ts';
import { NOTICE } from './output.ts';

const COUNTS = {
  success: 'success',
  nothing: 'nothing',
  backoff: 'back-off of the node',
  failure: '**failure**: halts the policy',
} as const;

const rows = (reasons: Readonly<Record<string, ReasonText>>): string[][] =>
  Object.entries(reasons).map(([word, { means, remedy }]) => [code(word), cell(means), cell(remedy)]);

/** The page of reasons. */
export const reasonsPage = (): string =>
  page([
    `<!-- ${NOTICE} -->`,
    '# Reasons',
    'Every node that does not move has a reason, and every attempt ends with one. The words are a closed list: conditions, `kubectl get upol,brs`, Events, metric labels and logs all use them. The message beside a reason names the object that blocks, such as the pod and its PodDisruptionBudget.',
    '## The node waits, or is left alone',
    'In the order in which they are checked: the first that holds is the one you see.',
    table(['Reason', 'Meaning', 'What to do'], rows(WAIT_REASONS)),
    '## The node is being updated',
    table(['Reason', 'Meaning', 'What to do'], rows(PROGRESS_REASONS)),
    '## How an attempt ended',
    'A back-off delays that node alone: 10 minutes, doubling to 6 hours. A failure halts the policy until a person sets the annotation `brupop.bottlerocket.aws/resume` on it; nodes that were told to reboot are still brought to their end.',
    table(
      ['Reason', 'Meaning', 'What to do', 'Counts as'],
      rows(END_REASONS).map((row, index) => {
        const word = Object.keys(END_REASONS)[index] as EndReason;
        return [...row, COUNTS[END_COUNTS[word]]];
      }),
    ),
    '## Conditions of a policy',
    'Conditions of an UpdatePolicy use the words above and these.',
    table(['Reason', 'Meaning', 'What to do'], rows(CONDITION_REASONS)),
  ]);
