/* oxlint-disable unicorn/consistent-function-scoping -- what a table asks stands with it */
import { describe, expect, it } from 'vitest';
import type { PowerEvent } from '../../host/power.ts';
import { bootsAreOfTheAttempt, rebootsAreIntended, settingsAreGivenBack } from './hosts.ts';
import {
  entry,
  host,
  INTENT,
  judge,
  Judged,
  machine,
  OLD,
  policy,
  shadow,
  TARGET,
  under,
} from './judging.fixture.ts';

const LOCK = 'settings.updates.version-lock';
const WAVES = 'settings.updates.ignore-waves';
const event = (type: PowerEvent['type'], version: string, bootId = 'boot-1'): PowerEvent => ({
  type,
  bootId,
  version,
  previous: { bootId, version: OLD },
});
const down = (bootId?: string, byOthers = false) => ({
  node: 'n1',
  byOthers,
  event: event('down', OLD, bootId),
});
const intended = under('RebootedIntoUpdate', {}, { host: host({ rebootIntent: INTENT }) });

describe('settings of a host', () => {
  const start = { before: shadow(), after: under('StagedAndPerformedUpdate') };
  const later = (what: 'down' | 'quiet', live: Record<string, unknown>, circumstances = {}) => {
    const n1 = machine();
    const judged = new Judged(settingsAreGivenBack);
    judged.see('shadow', start, { hosts: { n1 } });
    for (const [key, value] of Object.entries(live))
      (n1.settings.live as Map<string, unknown>).set(key, value);
    return judged.see(what, what === 'down' ? down() : {}, { hosts: { n1 }, ...circumstances });
  };

  it('are as before when it reboots, and at rest', () => {
    expect(later('down', {})).toBe('');
    expect(later('down', { [LOCK]: TARGET })).toContain('reboots with its version-lock set by us');
    expect(later('quiet', {})).toBe('');
    expect(later('quiet', { [LOCK]: TARGET })).toContain('left with its lock changed');
    expect(later('quiet', { [WAVES]: true })).toContain('left with its waves changed');
  });

  it('may be what others made of them, and what a policy asks for', () => {
    expect(later('quiet', { [LOCK]: '1.40.0' })).toBe('');
    const asked = shadow({ host: { lock: 'Pin', waves: 'Ignore' } });
    expect(later('quiet', { [WAVES]: true }, { shadows: [asked] })).toBe('');
  });

  it('may be ours while an attempt is under way', () => {
    const policies = [policy({}, { updating: [entry()] })];
    expect(
      later('quiet', { [LOCK]: TARGET }, { shadows: [under('StagedAndPerformedUpdate')], policies }),
    ).toBe('');
  });
});

describe('a reboot', () => {
  const accept = { before: under('RebootedIntoUpdate'), after: intended };

  it('has an open intent of that boot', () => {
    const judged = new Judged(rebootsAreIntended);
    expect(judged.see('down', down())).toContain('without an open intent');
    judged.see('shadow', accept);
    expect(judged.see('down', down('boot-9'))).toContain('without an open intent');
    expect(judged.see('down', down())).toBe('');
  });

  it('does not come after its intent was closed', () => {
    const judged = new Judged(rebootsAreIntended);
    judged.see('shadow', accept);
    judged.see('shadow', {
      before: intended,
      after: under('RebootedIntoUpdate', {}, { current_state: 'ErrorReset' }),
    });
    expect(judged.see('down', down())).toContain('after its intent was closed');
  });

  it.each([[false], [true]])('comes once for an attempt; the first by others: %s', (byOthers) => {
    const judged = new Judged(rebootsAreIntended);
    judged.see('shadow', accept);
    judged.see('down', down('boot-1', byOthers));
    const again = { ...INTENT, bootId: 'boot-2' };
    judged.see('shadow', {
      before: intended,
      after: under('RebootedIntoUpdate', {}, { host: host({ rebootIntent: again }) }),
    });
    expect(judged.see('down', down('boot-2'))).toContain('twice for one attempt');
  });

  it('of others is theirs', () =>
    expect(judge(rebootsAreIntended)('down', down('boot-1', true))).toBeUndefined());

  it('ends with the target, or with what ran before', () => {
    const up = (version: string) => {
      const judged = new Judged(bootsAreOfTheAttempt);
      judged.see('down', down(), { shadows: [intended] });
      return judged.see('up', { node: 'n1', event: event('up', version, 'boot-2') });
    };
    expect(up(TARGET)).toBe('');
    expect(up(OLD)).toBe('');
    expect(up('1.43.0')).toContain('came up with 1.43.0');
  });
});
