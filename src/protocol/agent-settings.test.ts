import { describe, expect, it } from 'vitest';
import type { BottlerocketShadow } from '../api/v2/bottlerocketshadow.ts';
import type { AgentAction, SeenHost } from './agent-view.ts';
import { decideAgent } from './agent.ts';
import { NEW, READY, STAGED, agentView, idle, seenUpdate, staging } from './situations.fixture.ts';

const locked = { settings: { versionLock: NEW, ignoreWaves: false } };
const saved = { versionLock: 'latest', versionLockSet: NEW };
const prepared = seenUpdate({
  state: 'Staged',
  chosen: NEW,
  staging: { version: NEW, nextToBoot: false },
  last: { type: 'prepare', succeeded: true, timestamp: 't9', stderr: `Starting update to ${NEW}\n` },
});
/** What was prepared last is what is recorded. */
const imaged = { ...STAGED, timestamp: 't9' };

/** An action in a few words. */
function said(action: AgentAction): string {
  if (action.do === 'report') return `save ${JSON.stringify(action.draft.host.saved)}`;
  if (action.do === 'settings') return `set ${Object.entries(action.change).flat().join(' ')}`;
  return action.do === 'command' ? action.type : action.do;
}

/** Carries out what the agent decides about settings until it does something else. */
function settle(shadow: BottlerocketShadow, host: Partial<SeenHost>): string[] {
  const done: string[] = [];
  let settings = { versionLock: 'latest', ignoreWaves: false, ...host.settings };
  let now = shadow;
  for (let i = 0; i < 10; i++) {
    const { action: found } = decideAgent(agentView({ shadow: now, host: { ...host, settings } }));
    done.push(said(found));
    if (found.do === 'settings') settings = { ...settings, ...found.change };
    else if (found.do === 'report' && found.draft.current_state === now.status?.current_state)
      now = {
        ...now,
        status: {
          ...now.status,
          host: { ...now.status?.host, ...found.draft.host, seq: i, generation: 9 },
        },
      };
    else return done;
  }
  return done;
}

describe('the settings', () => {
  it('are saved, then set, waves before the lock', () => {
    const host = { lock: 'Pin', waves: 'Ignore' } as const;
    expect(settle(staging({ spec: { host } }), {})).toEqual([
      'save {"ignoreWaves":false}',
      'set ignoreWaves true',
      `save {"ignoreWaves":false,"versionLock":"latest","versionLockSet":"${NEW}"}`,
      `set versionLock ${NEW}`,
      'refresh',
    ]);
  });

  it('are put back before the image is activated', () => {
    const shadow = staging({ host: { staged: imaged, saved } });
    expect(settle(shadow, { ...locked, update: prepared })).toEqual(['set versionLock latest', 'activate']);
  });

  it('are put back together', () => {
    const shadow = staging({ host: { staged: imaged, saved: { ...saved, ignoreWaves: false } } });
    const settings = { versionLock: NEW, ignoreWaves: true };
    expect(settle(shadow, { settings, update: prepared })).toEqual([
      'set versionLock latest ignoreWaves false',
      'activate',
    ]);
  });

  it('are forgotten with the report that the host is armed', () => {
    const shadow = staging({ host: { staged: STAGED, saved } });
    const { action } = decideAgent(agentView({ shadow, host: { update: READY } }));
    expect(action).toMatchObject({
      draft: { current_state: 'StagedAndPerformedUpdate', host: { saved: null } },
    });
  });

  it('that a policy still asks for stay, and stay saved', () => {
    const host = { lock: 'Pin', waves: 'Ignore' } as const;
    const shadow = staging({
      spec: { host },
      host: { staged: STAGED, saved: { ...saved, ignoreWaves: false } },
    });
    const settings = { versionLock: 'latest', ignoreWaves: true };
    const { action } = decideAgent(agentView({ shadow, host: { settings, update: READY } }));
    expect(action).toMatchObject({ draft: { host: { saved: { ignoreWaves: false } } } });
  });

  it('are restored, then forgotten, when the attempt is over', () => {
    const shadow = idle({ state: 'ErrorReset', host: { saved } });
    expect(settle(shadow, locked).slice(0, 2)).toEqual(['set versionLock latest', 'save null']);
  });

  it('that were somebody’s pin come back as that pin', () => {
    const shadow = idle({
      state: 'ErrorReset',
      host: { saved: { versionLock: 'v1.41.0', versionLockSet: NEW } },
    });
    expect(settle(shadow, locked)[0]).toBe('set versionLock v1.41.0');
  });
});
