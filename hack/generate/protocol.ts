/** docs/reference/protocol.md: state × event, from what the functions of the protocol say when they are asked. */
import { END_COUNTS } from '../../src/api/reasons.ts';
import type { ShadowState } from '../../src/api/v2/bottlerocketshadow.ts';
import type { AgentAction } from '../../src/protocol/agent-view.ts';
import { decideAgent } from '../../src/protocol/agent.ts';
import { nextStep } from '../../src/protocol/attempt.ts';
import type { AttemptStep } from '../../src/protocol/attempt.ts';
import { LEGAL_STATES, REPORT_REFUSALS, legalReport } from '../../src/protocol/report.ts';
import {
  NEW,
  NOW,
  OTHER_BOOT,
  STAGED,
  idle,
  inMinutes,
  nextReport,
} from '../../src/protocol/situations.fixture.ts';
import { cell, code, page, table } from './markdown.ts';
import { NOTICE } from './output.ts';
import { AGENT_CASES, CONTROLLER_EVENTS, CONTROLLER_STATES } from './protocolcases.ts';
import type { ControllerState } from './protocolcases.ts';

const STEPS: Readonly<Record<AttemptStep['do'], string>> = {
  start: 'start: `spec` = 1, with attempt, deadline and `notAfter`',
  cordon: 'cordon, with the mark of this attempt',
  list: 'list the pods of the node',
  evict: 'evict pods, then list again',
  reboot: '`spec` = 2: the host may reboot',
  monitor: '`spec` = 3: verify the node',
  undo: 'undo our marks',
  release: 'record that the cordon was taken back',
  fence: '`spec` = Idle',
  count: 'count it in the ledger',
  backoff: 'record the back-off',
  extendEntry: 'move the deadline, in the ledger first',
  extendSpec: 'move the deadline in `spec`',
  remove: 'free the slot',
  wait: 'wait',
};

const COUNTS = { success: 'success', nothing: '', backoff: 'back-off', failure: '**failure**' } as const;

/** What is done, its reason, what that counts, and the words for a person. */
function stepCells(step: AttemptStep): string[] {
  const what = STEPS[step.do];
  if (step.do === 'fence' || step.do === 'count')
    return [what, code(step.end), COUNTS[END_COUNTS[step.end]], cell(step.message)];
  if ('reason' in step) return [what, code(step.reason), '', cell(step.message)];
  return [what, '', '', ''];
}

function stateTable({ view }: ControllerState): string {
  const rows = CONTROLLER_EVENTS.flatMap((event): string[][] => {
    const changed = event.apply(view);
    return changed === undefined ? [] : [[event.title, ...stepCells(nextStep(changed))]];
  });
  const [calm = [], ...rest] = rows;
  // What makes no difference is said in one row.
  const isSame = (row: string[]): boolean => row.slice(1).join() === calm.slice(1).join();
  const others = rest.filter((row) => !isSame(row));
  const same = rest.filter(isSame).map(([title]) => title);
  const words = same.length === 0 ? [] : [`The same when ${same.join('; ')}.`];
  return [table(['When', 'Next step', 'Reason', 'Counts', 'Says'], [calm, ...others]), ...words].join('\n\n');
}

function actionCells(action: AgentAction): string[] {
  switch (action.do) {
    case 'report': {
      const { current_state, host } = action.draft;
      return [
        `report ${code(current_state)}${noted(action)}`,
        host.error?.code === undefined ? '' : code(host.error.code),
        cell(host.error?.message ?? ''),
      ];
    }
    case 'command':
      return [code(action.type), '', ''];
    case 'settings':
      return [
        `set ${Object.entries(action.change)
          .map(([key, value]) => code(`${key} = ${String(value)}`))
          .join(', ')}`,
        '',
        '',
      ];
    case 'reboot':
      return ['POST the reboot', '', ''];
    case 'wait':
      return ['wait', '', cell(action.why)];
  }
}

const isSet = (value: unknown): boolean => value !== null && value !== undefined;

/** What a report brings beside the state. */
function noted({ draft: { host } }: Extract<AgentAction, { do: 'report' }>): string {
  const facts = [
    isSet(host.rebootIntent) ? 'intent' : '',
    isSet(host.saved) ? 'saved settings' : '',
    isSet(host.staged) ? 'staged image' : '',
  ].filter((fact) => fact !== '');
  return facts.length === 0 ? '' : ` with ${facts.join(', ')}`;
}

const agentTables = (): string[] =>
  Object.entries(AGENT_CASES).flatMap(([title, cases]) => [
    `### ${title}`,
    table(
      ['When', 'The agent does', 'Error', 'Says'],
      cases.map(({ title: when, view }) => [when, ...actionCells(decideAgent(view).action)]),
    ),
  ]);

const TOLD: readonly ShadowState[] = [
  'Idle',
  'StagedAndPerformedUpdate',
  'RebootedIntoUpdate',
  'MonitoringUpdate',
  'ErrorReset',
];

/** What becomes of a report by a host that is where it says: rows recorded, columns reported. */
function reportTable(asked: ShadowState): string {
  const rows = TOLD.map((recorded) => {
    const before = idle({ spec: { state: asked }, state: recorded, ...hostOf(recorded) });
    const verdicts = TOLD.map((told) => {
      const { version, host } = hostOf(told);
      const report = nextReport(before, { current_state: told, current_version: version, host });
      const verdict = legalReport(before, report, NOW);
      return verdict.ok ? 'recorded' : code(verdict.code);
    });
    return [code(recorded), ...verdicts];
  });
  return table(['Recorded', ...TOLD.map((told) => `→ ${code(told)}`)], rows);
}

/** A host that is where a state says it is. */
function hostOf(state: ShadowState) {
  const isNew = state === 'RebootedIntoUpdate' || state === 'MonitoringUpdate';
  const error = { code: 'StageFailed', message: 'Words of the host.', at: inMinutes(0) } as const;
  return {
    version: isNew ? NEW : '1.42.0',
    host: {
      bootId: isNew ? OTHER_BOOT : 'boot-1',
      staged: state === 'StagedAndPerformedUpdate' ? STAGED : null,
      error: state === 'ErrorReset' ? error : null,
    },
  };
}

/** The page. */
export const protocolPage = (): string =>
  page([
    `<!-- ${NOTICE} -->`,
    '# State × event → what happens',
    'Every cell of this page was made by asking the function that decides it at run time, so that it says what the program does. [The protocol](../protocol.md) says why, [the model](../protocol-model.md) shows that no order of these steps does harm. The words of a reason are explained in [reasons](reasons.md).',
    '## The controller',
    'One step is decided at a time (`nextStep`). Each write carries the resourceVersion of what it was decided on; a write that is refused is decided anew. An end that counts a failure is counted before `spec` is set to Idle, any other after it.',
    ...CONTROLLER_STATES.flatMap((state) => [`### ${state.title}`, stateTable(state)]),
    '## The agent',
    'What an agent does next (`decideAgent`), from the shadow, the host, and what it remembers. All it reports is judged by the API server first.',
    ...agentTables(),
    '## Reports',
    'What the API server records (`legalReport`) of a host that is where it says it is, by what is asked for, what is recorded, and what is reported.',
    ...Object.keys(LEGAL_STATES)
      .filter((asked) => asked !== 'ErrorReset')
      .flatMap((asked) => [`### While ${code(asked)} is asked for`, reportTable(asked as ShadowState)]),
    '### Why a report is refused',
    'The answer is 409 with one of these codes, and the agent reads its shadow anew.',
    table(
      ['Code', 'Meaning'],
      Object.entries(REPORT_REFUSALS).map(([word, means]) => [code(word), cell(means)]),
    ),
  ]);
