/** An agent and its host in the model: the agent decides with `decideAgent`, the API server with `legalReport`. */
import { decideAgent, emptyMemoryOf } from './decide.ts';
import { legalReport } from '../../src/protocol/report.ts';
import { MONOTONIC, NOW, REPORTED_AS, bootNumber, reportObject, shadowObject } from './objects.ts';
import { Violation } from './rules.ts';
import type { Scenario } from './rules.ts';
import { editShadow, refresh } from './world.ts';
import type { Host, Member, Report, Shadow, Version, World } from './world.ts';
import type { AgentAction, AgentMemory, ReportDraft } from '../../src/protocol/agent-view.ts';

/** The agent's next action on what it has seen; undefined when it waits. */
export function agentDecides(
  m: Member,
  scenario: Scenario,
): { action: AgentAction; memory: AgentMemory } | undefined {
  const shadow = m.agent.cache ?? m.shadow;
  if (shadow === null || !m.host.up || m.agent.put !== null) return undefined;
  const decision = decideAgent(m, shadow, scenario);
  const isSame = JSON.stringify(decision.memory) === JSON.stringify(m.agent.memory);
  return decision.action.do === 'wait' && isSame ? undefined : decision;
}

/** Carries out what the agent decided. */
export function agentActs(
  w: World,
  n: number,
  { action, memory }: { action: AgentAction; memory: AgentMemory },
  fails: boolean,
): void {
  const m = w.members[n]!;
  m.agent.memory = memory;
  switch (action.do) {
    case 'report':
      m.agent.put = draft(m, action.draft);
      return;
    case 'command':
      runCommand(m.host, action.type, fails);
      return;
    case 'settings':
      m.host.locked = action.change.versionLock !== undefined && action.change.versionLock !== 'latest';
      return;
    case 'reboot':
      if (m.shadow?.intent?.old === true)
        throw new Violation(2, 'a reboot is asked for long after its intent');
      if (fails) {
        m.agent.memory = { ...memory, refused: 'inhibited' };
        return;
      }
      m.host.going = true;
      m.host.goingFor = m.shadow?.attempt ?? 0;
      return;
    case 'wait':
  }
}

function draft(m: Member, d: ReportDraft): Report {
  const intent = d.host.rebootIntent ?? null;
  const before = (m.agent.cache ?? m.shadow)?.intent ?? null;
  const isKept = intent !== null && before !== null && intent.at === intentAt(before);
  return {
    state: REPORTED_AS[d.current_state],
    version: m.host.running,
    error: d.host.error?.code ?? null,
    boot: m.host.boot,
    staged:
      d.host.staged === null || d.host.staged === undefined
        ? null
        : {
            attempt: d.host.staged.attempt,
            boot: bootNumber(d.host.staged.bootId),
            timestamp: Number(d.host.staged.timestamp.slice(1)),
          },
    saved: d.host.saved !== null && d.host.saved !== undefined,
    intent:
      intent === null
        ? null
        : isKept
          ? { ...before }
          : { boot: m.host.boot, old: false, nth: ((before?.nth ?? 0) + 1) % 4 },
    sameUid: m.agent.cache === null || m.agent.cache.uid === m.shadow?.uid,
    sameGeneration: !m.agent.staleSpec,
    sameSeq: !m.agent.staleSeq,
  };
}

const intentAt = (intent: NonNullable<Shadow['intent']>): string =>
  new Date(NOW - (intent.old ? 20 * 60_000 : 0) + intent.nth).toISOString();

function runCommand(h: Host, type: string, fails: boolean): void {
  h.clock = (h.clock + 1) % 16;
  h.last = { type, ok: !fails, timestamp: h.clock };
  if (fails) return;
  if (type === 'refresh' && h.update !== 'Staged' && h.update !== 'Ready')
    h.update = h.running === 'old' ? 'Available' : 'Idle';
  if (type === 'prepare') h.update = 'Staged';
  if (type === 'activate') h.update = 'Ready';
  if (type === 'deactivate') h.update = 'Staged';
}

/** A report reaches the API server. `how` says what becomes of the answer. */
export function deliverReport(
  w: World,
  n: number,
  report: Report,
  scenario: Scenario,
): { accepted: boolean; refusal?: string } {
  const m = w.members[n]!;
  const s = m.shadow;
  if (s === null) return { accepted: false };
  const { rules } = scenario;
  const seen = { ...report, sameSeq: report.sameSeq || !rules.sequence };
  const judged: Shadow = {
    ...s,
    deadline: rules.intentDeadline || s.deadline === 'none' ? s.deadline : 'ahead',
  };
  if (!rules.stickyError && judged.reported === 'E') judged.reported = judged.state === 1 ? 'I' : 'S';
  if (!rules.otherBoot && report.state === 'R') judged.version = 'new';
  const verdict = legalReport(shadowObject(judged), reportObject(seen, s), NOW);
  if (!verdict.ok) return { accepted: false, refusal: verdict.code };
  record(w, n, { report, s });
  return { accepted: true };
}

function record(w: World, n: number, { report, s }: { report: Report; s: Shadow }): void {
  const isNewIntent = report.intent !== null && s.intent?.nth !== report.intent.nth;
  if (isNewIntent && (!w.windowOpen || s.notAfter === 'passed'))
    throw new Violation(2, 'an intent accepted outside the window');
  if (isNewIntent && s.state !== 2) throw new Violation(10, 'an intent accepted outside state 2');
  if (isNewIntent && s.deadline !== 'ahead') throw new Violation(9, 'an intent accepted after its deadline');
  editShadow(w, n, 'report', (x) => {
    if (report.error !== null && x.reported !== 'E') x.errorAttempt = x.attempt;
    x.reported = report.state;
    x.version = report.version;
    x.error = report.error;
    x.boot = report.boot;
    x.staged = report.staged;
    x.saved = report.saved;
    x.intent = report.intent;
    x.seen = report.sameGeneration;
  });
}

/** The machine goes down for a reboot that was asked for: was it right, at this very moment? */
export function goDown(w: World, n: number): void {
  const m = w.members[n]!;
  const s = m.shadow;
  if (m.host.asked.includes(m.host.goingFor * 8 + (s?.uid ?? 0))) {
    throw new Violation(9, `attempt ${m.host.goingFor} rebooted twice`);
  }
  m.host.asked.push(m.host.goingFor * 8 + (s?.uid ?? 0));
  if (s !== null && !s.deleting && !m.node.gone && !w.policyDeleting) {
    if (s.intent === null || s.intent.boot !== m.host.boot)
      throw new Violation(9, 'a reboot without an open intent');
    if (s.state !== 2) throw new Violation(9, `a reboot in state ${s.state}`);
    // A node that an admin uncordons at the last moment is nobody's fault; one that we uncordoned is ours.
    const isOurFault = m.node.mark === null && !m.node.unschedulable;
    if (m.node.pods > 0 && s.version !== 'new' && isOurFault)
      throw new Violation(3, 'a reboot under running pods');
  }
  powerOff(m);
}

export function powerOff(m: Member): void {
  m.host.going = false;
  m.host.up = false;
  m.agent.echo ??= m.agent.put;
  m.agent.put = null;
}

/** The machine comes back; the agent knows nothing. */
export function boot(m: Member, fallsBack: boolean): void {
  const { host } = m;
  host.up = true;
  host.boot += 1;
  const next: Version = host.update === 'Ready' && !fallsBack ? 'new' : host.running;
  host.running = next;
  host.update = 'Idle';
  host.last = null;
  m.agent.memory = emptyMemoryOf();
  refresh(m);
}

/** Ages what the agent remembers with its intent. */
export function age(memory: AgentMemory): AgentMemory {
  return {
    ...memory,
    ...(memory.intentAccepted === undefined
      ? {}
      : { intentAccepted: { ...memory.intentAccepted, monotonicMs: MONOTONIC - 20 * 60_000 } }),
    ...(memory.possiblePostMs === undefined ? {} : { possiblePostMs: MONOTONIC - 20 * 60_000 }),
    ...(memory.postedMs === undefined ? {} : { postedMs: MONOTONIC - 20 * 60_000 + 1 }),
  };
}

/** Something it remembers is recent, so that time passing makes a difference. */
export const isYoung = ({ intentAccepted, possiblePostMs, postedMs }: AgentMemory): boolean =>
  [intentAccepted?.monotonicMs, possiblePostMs, postedMs].includes(MONOTONIC);
