/** The agent: what it decides, and what it does about it. */
import type { Mutant } from '../mutant.ts';

export const AGENT_MUTANTS: readonly Mutant[] = [
  {
    name: 'post-without-a-2xx',
    file: 'src/protocol/agent-reboot.ts',
    find: 'if (accepted !== undefined && !wasPosted && monotonicMs < accepted.monotonicMs + POST_WITHIN_MS) {',
    replace: 'if (!wasPosted) {',
    why: 'A host reboots on an intent of an earlier life, whatever has happened since.',
  },
  {
    name: 'post-again-and-again',
    file: 'src/protocol/agent-reboot.ts',
    find: '    memory.postedMs !== undefined && accepted !== undefined && memory.postedMs >= accepted.monotonicMs;',
    replace: '    memory.postedMs !== undefined && accepted !== undefined && memory.postedMs < 0;',
    why: 'The reboot is asked for every few seconds.',
  },
  {
    name: 'close-too-early',
    file: 'src/protocol/agent-reboot.ts',
    find: 'CLOSE_AFTER_MS - sincePost(view, intent);',
    replace: '0 - sincePost(view, intent);',
    why: 'An intent is closed while the reboot may still come.',
  },
  {
    name: 'reboot-unarmed',
    file: 'src/protocol/agent-reboot.ts',
    find: "const isArmed = update.state === 'Ready' && update.staging?.version === target && update.staging.nextToBoot;",
    replace: "const isArmed = update.state !== 'None';",
    why: 'A host reboots into what it already runs.',
  },
  {
    name: 'fallback-is-a-success',
    file: 'src/protocol/agent-reboot.ts',
    find: `  if (running === target) {
    return report(view, { state: 'RebootedIntoUpdate'`,
    replace: `  if (running !== '') {
    return report(view, { state: 'RebootedIntoUpdate'`,
    why: 'A boot fallback is reported as a success.',
  },
  {
    name: 'intent-is-not-asked-anew',
    file: 'src/protocol/agent-reboot.ts',
    find: 'if (memory.intentRefused !== true && mayAsk(view)) {',
    replace: 'if (memory.intentRefused !== true) {',
    why: 'An intent is asked for after the window.',
  },
  {
    name: 'prepare-is-believed',
    file: 'src/protocol/agent-staging.ts',
    find: 'const isTarget = sameVersion(wrote, view.target) && view.update.staging?.version === view.target;',
    replace: 'const isTarget = view.update.staging?.version === view.target;',
    why: 'The host wrote another version than it says.',
  },
  {
    name: 'activate-before-it-is-recorded',
    file: 'src/protocol/agent-staging.ts',
    find: "return report(view, { state: 'Idle', staged, step: 'Activate' });",
    replace: 'return tryActivate(view);',
    why: 'After a crash nobody knows what is armed.',
  },
  {
    name: 'lock-is-kept',
    file: 'src/protocol/agent-staging.ts',
    find: '  const putBack = putBackSettings(view);\n  if (putBack !== undefined) return putBack;\n  const { update } = view;',
    replace: '  const { update } = view;',
    why: 'The version lock of the host is ours for good.',
  },
  {
    name: 'any-choice-is-staged',
    file: 'src/protocol/agent-staging.ts',
    find: 'if (!sameVersion(view.update.chosen, view.target)) return again({ ...view, memory }, chosenText(view));',
    replace: '',
    why: 'A newer release than the policy allows is staged.',
  },
  {
    name: 'lock-is-set-before-it-is-saved',
    file: 'src/protocol/agent-settings.ts',
    find: 'if (!isSet(saved.versionLock) || saved.versionLockSet !== target) {',
    replace: 'if (saved.versionLockSet !== undefined && saved.versionLockSet !== target) {',
    why: 'What was there before is lost with the agent.',
  },
  {
    name: 'lock-of-others-is-overwritten',
    file: 'src/protocol/agent-settings.ts',
    find: 'const isOurs = sameVersion(current, versionLockSet);',
    replace: 'const isOurs = true;',
    why: 'A lock that an administrator set meanwhile is taken away.',
  },
  {
    name: 'disarm-what-others-armed',
    file: 'src/protocol/agent-idle.ts',
    find: `    staged?.bootId === view.host.bootId &&
    update.state === 'Ready' &&
    update.staging?.version === staged.version;`,
    replace: "    update.state === 'Ready';",
    why: 'What an administrator has armed is disarmed.',
  },
  {
    name: 'idle-while-a-reboot-may-come',
    file: 'src/protocol/agent-idle.ts',
    find: "return since < CLOSE_AFTER_MS ? wait(view, REST_MS, 'A reboot may still come') : undefined;",
    replace: 'return undefined;',
    why: 'A host says Idle and reboots a minute later.',
  },
  {
    name: '2xx-counts-from-its-arrival',
    file: 'src/agent/act.ts',
    find: 'return { ...rest, intentAccepted: { at, monotonicMs: sentMs } };',
    replace: 'return { ...rest, intentAccepted: { at, monotonicMs: Number.MAX_SAFE_INTEGER / 2 } };',
    why: 'A POST follows its 2xx whenever it likes.',
  },
  {
    name: 'refused-intent-is-accepted',
    file: 'src/agent/act.ts',
    find: "if (outcome.kind === 'recorded') return { ...rest, intentAccepted",
    replace: "if (outcome.kind !== 'stopped') return { ...rest, intentAccepted",
    why: 'A host reboots though it was told not to.',
  },
  {
    name: 'late-post',
    file: 'src/agent/act.ts',
    find: 'if (!isInTime) return { memory: doing.before, pauseMs: this.#jittered(POLL_MS) };',
    replace: '',
    why: 'An agent that was stopped for an hour reboots its host when it goes on.',
  },
  {
    name: 'older-generation-is-acted-on',
    file: 'src/agent/shadowcache.ts',
    find: 'if (this.#isOfThePast(uid) || generation < (this.#generations.get(uid) ?? 0)) return false;',
    replace: 'if (this.#isOfThePast(uid)) return false;',
    why: 'A late event takes the agent back to what was asked before.',
  },
];
