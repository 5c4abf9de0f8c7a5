/** An agent in the model: it decides with `decideAgent`; the API server judges its reports with `legalReport`. */
import type { AgentDecision } from '../../src/protocol/agent-view.ts';
import type { ReportDraft } from '../../src/protocol/agent-view.ts';
import { legalReport } from '../../src/protocol/report.ts';
import { agentDecides } from './decide.ts';
import { event } from './event.ts';
import type { At, MemberEvent } from './event.ts';
import { MONOTONIC, NOW, REPORTED_AS, bootNumber, intentAt, reportObject, shadowObject } from './objects.ts';
import { Violation } from './rules.ts';
import type { Fault, Scenario } from './rules.ts';
import { editShadow, refresh, withAgent, withHost } from './world.ts';
import type { Effect, Host, Member, Report, Shadow } from './world.ts';

const INTENT_REFUSALS = new Set(['IntentTooLate', 'ShadowDeleted', 'IllegalIntent']);

/** What the agent and its reports may do next. */
export function agentEvents(at: At): MemberEvent[] {
  const { m, scenario } = at;
  const found: MemberEvent[] = [];
  const decision = agentDecides(m, scenario);
  if (decision !== undefined) found.push(...actions(at, decision));
  if (m.agent.cache !== null && m.host.up && !m.node.gone)
    found.push(event('A# sees the shadow', () => ({ m: refresh(m) })));
  if (m.agent.put !== null) found.push(...putEvents(at, m.agent.put));
  const { echo } = m.agent;
  if (echo !== null) {
    const rest = withAgent(m, { echo: null });
    found.push(event('late report n#', () => receive({ ...at, m: rest }, echo).effect));
  }
  return found;
}

function actions({ m, scenario }: At, decision: AgentDecision): MemberEvent[] {
  const { action } = decision;
  const what = action.do === 'command' ? action.type : action.do;
  const found = [event(`A# ${what}`, () => ({ m: act(m, decision, 'works') }))];
  const fault = (name: Fault, label: string, how: 'fails' | 'ignored'): void => {
    if (scenario.allowed.has(name)) found.push(event(label, () => ({ m: act(m, decision, how) }), 'cost'));
  };
  if (action.do === 'command') fault('stageFails', `A# ${what} fails`, 'fails');
  if (action.do === 'reboot') {
    fault('rebootRefused', 'H# refuses to reboot', 'fails');
    fault('rebootIgnored', 'H# accepts the reboot and does nothing', 'ignored');
  }
  return found;
}

/** Carries out what the agent decided. */
function act(before: Member, { action, memory }: AgentDecision, how: 'works' | 'fails' | 'ignored'): Member {
  const m = withAgent(before, { memory });
  switch (action.do) {
    case 'report':
      return withAgent(m, { put: draft(before, action.draft) });
    case 'command': {
      const host = runCommand(m.host, action.type, how === 'fails');
      // Five tries in one: each fails alike.
      return how === 'fails'
        ? { ...withAgent(m, { memory: { ...memory, tries: 5 } }), host }
        : { ...m, host };
    }
    case 'settings': {
      const { versionLock } = action.change;
      return withHost(m, { locked: versionLock !== undefined && versionLock !== 'latest' });
    }
    case 'reboot':
      return post(m, memory, how);
    case 'wait':
      return m;
  }
}

function post(m: Member, memory: AgentDecision['memory'], how: 'works' | 'fails' | 'ignored'): Member {
  if (m.shadow?.intent?.old === true) throw new Violation(2, 'a reboot is asked for long after its intent');
  if (how === 'fails') return withAgent(m, { memory: { ...memory, refused: 'inhibited' } });
  if (how === 'ignored') return m;
  const seen = m.agent.cache ?? m.shadow;
  return withHost(m, { going: true, goingFor: (seen?.attempt ?? 0) * 8 + (seen?.uid ?? 0) });
}

function runCommand(h: Host, type: string, fails: boolean): Host {
  const clock = h.clock + 1;
  const ran = { ...h, clock, last: { type, ok: !fails, timestamp: clock } };
  if (fails) return ran;
  if (type === 'prepare' || type === 'deactivate') return { ...ran, update: 'Staged' };
  if (type === 'activate') return { ...ran, update: 'Ready' };
  if (h.update === 'Staged' || h.update === 'Ready') return ran;
  return { ...ran, update: h.running === 'old' ? 'Available' : 'Idle' };
}

function draft(m: Member, d: ReportDraft): Report {
  const { staged, saved, error } = d.host;
  return {
    state: REPORTED_AS[d.current_state],
    version: m.host.running,
    error: error?.code ?? null,
    boot: m.host.boot,
    update: m.host.update,
    checked: d.host.checkedAt !== null && d.host.checkedAt !== undefined,
    staged:
      staged === null || staged === undefined
        ? null
        : {
            attempt: staged.attempt,
            boot: bootNumber(staged.bootId),
            timestamp: Number(staged.timestamp.slice(1)),
          },
    saved: saved !== null && saved !== undefined,
    intent: draftIntent(m, d.host.rebootIntent ?? null),
    sameUid: (m.agent.cache ?? m.shadow)?.uid === m.shadow?.uid,
    sameGeneration: !m.agent.staleSpec,
    sameSeq: !m.agent.staleSeq,
  };
}

function draftIntent(m: Member, intent: ReportDraft['host']['rebootIntent'] | null): Report['intent'] {
  if (intent === null || intent === undefined) return null;
  const before = (m.agent.cache ?? m.shadow)?.intent ?? null;
  if (before !== null && intent.at === intentAt(before)) return before;
  return { boot: m.host.boot, old: false, nth: ((before?.nth ?? 0) + 1) % 4 };
}

// ---- reports on their way --------------------------------------------------------------------------------

function putEvents(at: At, put: Report): MemberEvent[] {
  const { scenario } = at;
  const m = withAgent(at.m, { put: null });
  const found = [event('report n#', () => arrive({ ...at, m }, put, 'heard'))];
  if (scenario.allowed.has('answerLost'))
    found.push(event('report n#, answer lost', () => arrive({ ...at, m }, put, 'lost'), 'cost'));
  if (scenario.allowed.has('echo')) {
    const echoed = withAgent(m, { echo: put });
    found.push(event('report n#, repeated later', () => arrive({ ...at, m: echoed }, put, 'heard'), 'cost'));
  }
  return found;
}

/** A report arrives; the agent hears the answer, or reads the shadow again. */
function arrive(at: At, put: Report, answer: 'heard' | 'lost'): Effect {
  const { effect, accepted, refusal } = receive(at, put);
  const m = refresh(effect.m);
  if (put.intent === null || answer === 'lost') return { ...effect, m };
  const { memory } = m.agent;
  if (accepted) {
    const intentAccepted = { at: intentAt(put.intent), monotonicMs: MONOTONIC };
    return { ...effect, m: withAgent(m, { memory: { ...memory, intentAccepted } }) };
  }
  if (refusal === undefined || !INTENT_REFUSALS.has(refusal)) return { ...effect, m };
  return { ...effect, m: withAgent(m, { memory: { ...memory, intentRefused: true } }) };
}

/** A report reaches the API server, which judges it against the shadow as it is. */
function receive(at: At, report: Report): { effect: Effect; accepted: boolean; refusal?: string } {
  const { m, scenario } = at;
  const s = m.shadow;
  if (s === null) return { effect: { m }, accepted: false };
  const seen = { ...report, sameSeq: report.sameSeq || !scenario.rules.sequence };
  const verdict = legalReport(shadowObject(judged(s, report, scenario)), reportObject(seen, s), NOW);
  if (!verdict.ok) return { effect: { m }, accepted: false, refusal: verdict.code };
  return { effect: record(at, report, s), accepted: true };
}

/** The shadow as it would be judged without the sentences under test. */
function judged(s: Shadow, report: Report, { rules }: Scenario): Shadow {
  return {
    ...s,
    ...(rules.intentDeadline || s.deadline === 'none' ? {} : { deadline: 'ahead' }),
    ...(rules.stickyError || s.reported !== 'E' ? {} : { reported: s.state === 1 ? 'I' : 'S' }),
    ...(rules.otherBoot || report.state !== 'R' ? {} : { version: 'new' }),
  };
}

function record({ m, isClosed }: At, report: Report, s: Shadow): Effect {
  const isNewIntent = report.intent !== null && s.intent?.nth !== report.intent.nth;
  if (isNewIntent) {
    if (isClosed || s.notAfter === 'passed') throw new Violation(2, 'an intent accepted outside the window');
    if (s.state !== 2) throw new Violation(10, 'an intent accepted outside state 2');
    if (s.deadline !== 'ahead') throw new Violation(9, 'an intent accepted after its deadline');
    if (s.deleting) throw new Violation(9, 'an intent accepted of a shadow that is being deleted');
  }
  const { version, error, boot, update, checked, staged, saved, intent } = report;
  return editShadow(m, 'report', {
    version,
    error,
    boot,
    update,
    checked,
    staged,
    saved,
    intent,
    errorAttempt: errorAttemptOf(s, error !== null),
    reported: report.state,
    seen: report.sameGeneration,
  });
}

function errorAttemptOf(s: Shadow, hasError: boolean): number {
  if (!hasError) return 0;
  return s.reported === 'E' ? s.errorAttempt : s.attempt;
}
