/** Reads the host: everything a decision looks at, or what kept it from being read. */
import type { SeenHost, SeenUpdate } from '../protocol/agent-view.ts';
import type { HostAnswer, HostPort, HostProblem, UpdateStatus } from './bottlerocket/port.ts';
import type { AgentFiles } from './ports.ts';

/** The host as seen, or the first thing it did not tell. `what` names the request. */
export type Observation =
  | { kind: 'seen'; host: SeenHost }
  | { kind: 'unreachable'; code: string }
  /** An answer that decides nothing; `text` is for the report. */
  | { kind: 'unreadable'; text: string };

/** Reads the host with one request a fact. Never throws for what the host or a file says. */
export async function observe(port: HostPort, files: AgentFiles): Promise<Observation> {
  const os = await port.os();
  if (os.kind !== 'ok') return problemOf('os', os);
  const status = await port.updateStatus();
  const update = updateOf(status);
  if ('problem' in update) return problemOf('updates/status', update.problem);
  const settings = await port.settings();
  if (settings.kind !== 'ok') return problemOf('settings', settings);
  try {
    const { version: running, variant, arch } = os.value;
    const bootId = await files.bootId();
    const host = { bootId, running, variant, arch, update: update.seen, settings: settings.value };
    return { kind: 'seen', host };
  } catch (error) {
    return { kind: 'unreadable', text: `boot id: ${(error as Error).message}` };
  }
}

function updateOf(
  answer: HostAnswer<UpdateStatus>,
): { seen: SeenUpdate | 'busy' } | { problem: HostProblem } {
  if (answer.kind === 'ok') return { seen: seenUpdate(answer.value) };
  if (answer.kind === 'locked') return { seen: 'busy' };
  if (answer.kind === 'notFound') return { seen: { state: 'None', available: [] } };
  return { problem: answer };
}

function seenUpdate(status: UpdateStatus): SeenUpdate {
  const { chosenUpdate, stagingPartition, mostRecentCommand: last } = status;
  return {
    state: status.updateState,
    available: status.availableUpdates,
    ...(chosenUpdate ? { chosen: chosenUpdate.version } : {}),
    ...(stagingPartition
      ? { staging: { version: stagingPartition.image.version, nextToBoot: stagingPartition.nextToBoot } }
      : {}),
    ...(last
      ? {
          last: {
            type: last.type,
            succeeded: last.status === 'Success',
            timestamp: last.timestamp,
            stderr: last.stderr,
          },
        }
      : {}),
  };
}

function problemOf(what: string, problem: HostProblem): Observation {
  if (problem.kind === 'unreachable') return { kind: 'unreachable', code: problem.code };
  return { kind: 'unreadable', text: `${what}: ${problemText(problem)}` };
}

/** A problem in one line, for reports and logs. */
export function problemText(problem: HostProblem): string {
  switch (problem.kind) {
    case 'unreachable':
      return `no answer (${problem.code})`;
    case 'strange':
      return `an answer of unknown shape: ${problem.text}`;
    case 'failed':
      return `${problem.status} ${problem.text}`;
    case 'locked':
      return `423 ${problem.text}`;
    case 'notAllowed':
      return `409 ${problem.text}`;
    case 'notFound':
      return `404 ${problem.text}`;
  }
}
