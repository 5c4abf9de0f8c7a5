/** Plays one story and tells it. */
import type { Scenario } from '../../sim/scenario/scenario.ts';
import { tellEvent } from '../../sim/scenario/events/registry.ts';
import { toldLine } from './narrator.ts';
import { play } from './play.ts';
import type { Failure, Outcome } from './play.ts';

/** Milliseconds as a person says them. */
const span = (ms: number): string =>
  ms < 3_600_000 ? `${(ms / 60_000).toFixed(1)} min` : `${(ms / 3_600_000).toFixed(1)} h`;

/** One failure in a line. */
export const failureLine = ({ rule, message, atMs }: Failure): string =>
  `${rule} at ${span(atMs)}: ${message.split('\n', 6).join('\n    ')}`;

/** The world and the events of a story, a line each. */
export const storyLines = (scenario: Scenario): string[] => [
  `${scenario.nodes.length} nodes, ${scenario.version} → ${scenario.releases.at(-1) ?? ''}, policies ` +
    scenario.policies.map(({ metadata, spec }) => `${metadata.name} ${JSON.stringify(spec)}`).join(', '),
  ...scenario.events.map((event) => `  ${span(event.atMs).padStart(9)}  ${tellEvent(event)}`),
  `  ${span(scenario.calmAfterMs).padStart(9)}  nothing goes wrong any more`,
];

/** Plays it. @returns what came of it */
export async function tellStory(
  scenario: Scenario,
  options: { trace: boolean; write: (line: string) => void },
): Promise<Outcome> {
  const { trace, write } = options;
  for (const line of storyLines(scenario)) write(line);
  const outcome = await play(scenario, trace ? { tell: (told) => write(toldLine(told)) } : {});
  for (const failure of outcome.failures) write(`FAILED ${failureLine(failure)}`);
  write(
    `${outcome.failures.length === 0 ? 'Nothing failed' : `${outcome.failures.length} failed`} in ${span(outcome.virtualMs)}, ` +
      `${outcome.reboots} reboots, log ${outcome.digest.slice(0, 16)}`,
  );
  return outcome;
}
