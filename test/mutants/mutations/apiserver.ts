/** The API server: who may say what. */
import type { Mutant } from '../mutant.ts';

export const APISERVER_MUTANTS: readonly Mutant[] = [
  {
    name: 'another-nodes-shadow',
    file: 'src/apiserver/ownership.ts',
    find: 'if (owner === undefined || owner.name !== identity.node) return false;\n  if (shadow.metadata.name !== shadowName(identity.node)) return false;\n  return identity.nodeUid === undefined || identity.nodeUid === owner.uid;',
    replace: 'return owner !== undefined;',
    why: 'An agent may report for any node.',
  },
  {
    name: 'older-node-of-the-name',
    file: 'src/apiserver/ownership.ts',
    find: 'return identity.nodeUid === undefined || identity.nodeUid === owner.uid;',
    replace: 'return true;',
    why: 'The agent of a machine that is gone reports for its successor.',
  },
  {
    name: 'reports-are-not-judged',
    file: 'src/apiserver/reporter.ts',
    find: 'return verdict.ok ? undefined : new ApiProblem(verdict.code',
    replace: "return verdict.ok || verdict.code === 'IllegalState' ? undefined : new ApiProblem(verdict.code",
    why: 'An agent says what it likes.',
  },
  {
    name: 'own-clock-alone',
    file: 'src/apiserver/reporter.ts',
    find: 'this.#options.clock.now() + Math.max(0, this.#options.kubernetes.clockSkewMs() ?? 0);',
    replace: 'this.#options.clock.now();',
    why: 'A replica whose clock is behind accepts intents after the window.',
  },
  {
    name: 'lost-report-is-done',
    file: 'src/apiserver/reporter.ts',
    find: 'if (round.sentAt !== undefined && wasRecorded(shadow, report)) return { done: accepted(report) };',
    replace: 'if (round.sentAt !== undefined) return { done: accepted(report) };',
    why: 'A host reboots on an intent that was never written.',
  },
  {
    name: 'gone-pods-speak',
    file: 'src/apiserver/auth/authenticator.ts',
    find: '    if (this.#options.pods.isGone(identity.podUid)) {',
    replace: "    if (this.#options.pods.isGone('')) {",
    why: 'A pod that was replaced still reports.',
  },
  {
    name: 'tokens-for-ever',
    file: 'src/apiserver/auth/authenticator.ts',
    find: 'if (cached.untilMs > this.#options.clock.monotonic()) return identity;',
    replace: 'return identity;',
    why: 'A token is believed for as long as the server runs.',
  },
];
