import { describe, expect, it } from 'vitest';
import type { FaultName, FaultSpec } from '../sim/host/faults.ts';
import { AgentBed } from './testbed.ts';

/** An update on a host with these faults. */
async function updateWith(
  faults: Partial<Record<FaultName, FaultSpec>>,
  target = '1.26.1',
): Promise<{ agent: AgentBed; end: string }> {
  const agent = new AgentBed();
  await agent.until(() => agent.isSettled);
  for (const [name, spec] of Object.entries(faults)) agent.bed.host.fault(name as FaultName, spec);
  return { agent, end: await agent.update(target) };
}

/** Nothing of the attempt is left on the host once the controller has put it back. */
async function expectPutBack(agent: AgentBed): Promise<void> {
  agent.bed.host.clearFault();
  agent.server.ask({ state: 'Idle', version: null });
  expect(await agent.until(() => agent.isSettled)).toBe(true);
  expect(agent.bed.host.status?.update_state).not.toBe('Ready');
  expect(agent.bed.host.dump().settings.updates).toMatchObject({
    'version-lock': 'latest',
    'ignore-waves': false,
  });
}

describe('a fault that passes does not keep the update from its end', () => {
  const once = { times: 1 };
  it.each<[string, Partial<Record<FaultName, FaultSpec>>]>([
    ['a repository that refuses once', { tufDown: once }],
    ['a repository that refuses activate', { tufDown: { times: 2, commands: ['activate'] } }],
    ['a silent repository', { tufBlackHole: once }],
    ['a slow download', { slowDownload: { times: 1, ms: 900_000 } }],
    ['a hung download', { hungDownload: once }],
    ['a write error', { writeError: once }],
    ['a killed refresh', { updogKilled: { times: 1, commands: ['refresh'] } }],
    ['a killed prepare', { updogKilled: { times: 1, commands: ['prepare'] } }],
    ['a killed activate', { updogKilled: { times: 1, commands: ['activate'], signal: 15 } }],
    ['an updater that cannot be executed', { updogMissing: { times: 2 } }],
    ['a refresh without a trace', { childCrash: { times: 1, commands: ['refresh'] } }],
    ['a prepare without a trace', { childCrash: { times: 1, commands: ['prepare'] } }],
    ['an activate without a trace', { childCrash: { times: 1, commands: ['activate'] } }],
    ['a failure that is not recorded', { writeError: once, silentFailure: once }],
    ['a success that changed nothing', { badManifestJson: once }],
    ['a success that chose nothing', { badDispatcherToml: once }],
    ['a status that cannot be read', { corruptStatus: { forMs: 60_000 } }],
    ['a status of an unknown shape', { strangeStatus: { times: 3 } }],
    ['a missing dispatcher', { tbuMissing: once }],
    ['an unreadable partition table', { gptUnreadable: once }],
    ['a missing lock directory', { noLockDirectory: { forMs: 60_000 } }],
    ['another client that holds the lock', { otherClientHoldsLock: { forMs: 120_000 } }],
    ['slow rendering', { settingsRenderDelay: { ms: 8_000 } }],
    ['settings that are refused', { settingsRefused: once }],
    ['a commit whose answer is lost', { commitLost: once }],
    ['a delay inhibitor', { delayInhibitor: {} }],
    ['a reboot that is ignored once', { rebootIgnored: once }],
    ['a reboot answered by exit code 15', { rebootReply: { reply: 'exitCode15' } }],
    ['a reboot answered by a reset', { rebootReply: { reply: 'reset' } }],
    ['a boot that reboots once more', { doubleReboot: once }],
    ['an API that is down', { apiDown: { forMs: 30_000 } }],
    ['an API that does not answer', { workerBlocked: { forMs: 30_000 } }],
  ])('%s', async (_what, faults) => {
    const { agent, end } = await updateWith(faults);
    expect(end).toBe('Updated');
    expect(agent.bed.host.image.version).toBe('1.26.1');
    expect(agent.boots).toBe(1);
    expect(agent.bed.host.dump().settings.updates?.['version-lock']).toBe('latest');
  });
});

describe('a fault that stays ends the attempt before anything is armed', () => {
  it.each<[string, Partial<Record<FaultName, FaultSpec>>, RegExp]>([
    ['no repository', { tufDown: {} }, /refresh failed: Metadata error: Failed to fetch https/],
    ['no space', { writeError: {} }, /prepare failed: Starting update to 1.26.1\nFailed writing/],
    ['no slot', { singleSlot: {} }, /Could not find inactive partition set/],
    ['no traces', { childCrash: {} }, /result of refresh was lost/],
    ['no dispatcher', { tbuMissing: {} }, /refresh: 500 Unable to start the update dispatcher/],
    ['no settings', { settingsRefused: {} }, /settings: 500/],
    ['no manifest', { badManifestJson: {} }, /chooses no version where 1.26.1/],
  ])('%s', async (_what, faults, message) => {
    const { agent, end } = await updateWith(faults);
    expect(end).toBe('StageFailed');
    expect(agent.server.shadow?.status?.host?.error?.message).toMatch(message);
    expect(agent.posts).toEqual([]);
    await expectPutBack(agent);
  });

  it.each<[string, FaultSpec, string]>([
    ['the dispatcher, so that it chooses another version', { which: 'dispatcher' }, '1.24.1'],
    ['the updater, so that it writes another version', { which: 'updog' }, '1.24.1'],
    ['the updater, so that it writes nothing', { which: 'updog' }, '1.24.1'],
  ])('settings that never reach %s', async (what, spec, target) => {
    const agent = new AgentBed(what.endsWith('nothing') ? { running: '1.26.1' } : {});
    await agent.until(() => agent.isSettled);
    agent.bed.host.fault('settingsRenderNever', spec);
    expect(await agent.update(target)).toBe('StageFailed');
    expect(agent.requests).not.toContain('POST /actions/activate-update');
    await expectPutBack(agent);
  });

  it('a version that is not offered', async () => {
    const { agent, end } = await updateWith({}, '1.99.0');
    expect(end).toBe('StageFailed');
    await expectPutBack(agent);
  });
});

describe('a status that nobody understands', () => {
  it.each<[FaultName, RegExp]>([
    ['strangeStatus', /unknown shape: \{"update_state":"Rebooting"\}/],
    ['corruptStatus', /updates\/status: 500 Update dispatcher failed/],
  ])('%s is told and nothing is done', async (fault, message) => {
    const agent = new AgentBed();
    await agent.until(() => agent.isSettled);
    agent.bed.host.fault(fault);
    await agent.clock.advance(180_000);
    const { length } = agent.requests;
    agent.server.ask({ state: 'StagedAndPerformedUpdate', version: '1.26.1', attempt: 1 });
    await agent.clock.advance(600_000);
    expect(agent.requests.slice(length).filter((request) => !request.startsWith('GET'))).toEqual([]);
    expect(agent.errorCode).toBe('UnexpectedAnswer');
    expect(agent.server.shadow?.status?.host?.error?.message).toMatch(message);
    expect(agent.server.puts).toBeLessThan(10);
  });
});

describe('the reboot', () => {
  it('that the host refuses closes the intent at once, and the host is disarmed', async () => {
    const { agent, end } = await updateWith({ blockInhibitor: {} });
    expect(end).toBe('RebootRefused');
    expect(agent.posts).toHaveLength(1);
    expect(agent.server.shadow?.status?.host).toMatchObject({
      rebootIntent: null,
      error: { message: expect.stringContaining('Operation inhibited by') },
    });
    await expectPutBack(agent);
    expect(agent.boots).toBe(0);
  });

  it('that never comes is asked for again, no earlier than after 6 min, each time with a new intent', async () => {
    const agent = new AgentBed();
    await agent.armed('1.26.1');
    agent.bed.host.fault('rebootIgnored');
    const at: number[] = [];
    agent.onPost = () => at.push(agent.clock.monotonic());
    agent.server.ask({
      state: 'RebootedIntoUpdate',
      deadline: new Date(agent.clock.now() + 1_200_000).toISOString(),
    });
    expect(await agent.until(() => agent.server.state === 'ErrorReset')).toBe(true);
    expect(agent.errorCode).toBe('RebootRefused');
    expect(at.length).toBeGreaterThan(1);
    at.forEach((ms, i) => expect(ms - (at[i - 1] ?? -Infinity)).toBeGreaterThanOrEqual(360_000));
    expect(agent.clock.monotonic() - (at.at(-1) ?? 0)).toBeGreaterThanOrEqual(600_000);
    const intents = agent.posts.map((post) => post.intent?.host?.rebootIntent?.at);
    expect(new Set(intents).size).toBe(at.length);
    await expectPutBack(agent);
  });

  it('into a release that panics is told as a fallback, once', async () => {
    const { agent, end } = await updateWith({ bootPanics: { version: '1.26.1' } });
    expect(end).toBe('BootFallback');
    expect(agent.posts).toHaveLength(1);
    await agent.clock.advance(3_600_000);
    expect(agent.posts).toHaveLength(1);
    expect(agent.bed.host.image.version).toBe('1.25.0');
    await expectPutBack(agent);
  });

  it('into a release that hangs is told as a fallback after the power was cut', async () => {
    const { agent, end } = await updateWith({ bootHangs: { version: '1.26.1' } });
    expect(end).toBe('stuck in RebootedIntoUpdate');
    expect(agent.server.shadow?.status?.host?.rebootIntent).toBeTruthy();
    agent.bed.host.powerCycle();
    expect(await agent.until(() => agent.errorCode === 'BootFallback')).toBe(true);
    await expectPutBack(agent);
  });

  it('is not asked for when somebody has disarmed the host meanwhile', async () => {
    const agent = new AgentBed();
    await agent.armed('1.26.1');
    agent.bed.host.otherClient('deactivate');
    agent.server.ask({ state: 'RebootedIntoUpdate' });
    expect(await agent.until(() => agent.errorCode === 'NotArmed')).toBe(true);
    expect(agent.posts).toEqual([]);
  });

  it('by somebody else, at any moment, brings the target or is told as a fallback of what was armed', async () => {
    for (let seconds = 1; seconds < 160; seconds += 3) {
      const agent = new AgentBed();
      await agent.until(() => agent.isSettled);
      let stagedBefore = false;
      agent.clock.after(seconds * 1_000, () => {
        stagedBefore = agent.server.shadow?.status?.host?.staged !== null;
        agent.bed.host.powerCycle();
      });
      const end = await agent.update('1.26.1');
      expect([seconds, end]).toEqual([seconds, end === 'BootFallback' && stagedBefore ? end : 'Updated']);
      if (end === 'BootFallback') await expectPutBack(agent);
      expect(agent.bed.host.image.version).toBe(end === 'Updated' ? '1.26.1' : '1.25.0');
      expect(agent.bed.host.dump().settings.updates?.['version-lock']).toBe('latest');
    }
  });
});

describe('the socket', () => {
  it('that was replaced ends the process, and a new one goes on', async () => {
    for (let seconds = 1; seconds < 130; seconds += 8) {
      const agent = new AgentBed();
      await agent.until(() => agent.isSettled);
      agent.clock.after(seconds * 1_000, () => agent.bed.host.restartApi());
      expect([seconds, await agent.update('1.26.1')]).toEqual([seconds, 'Updated']);
      expect(agent.boots).toBe(1);
    }
    const idle = new AgentBed();
    await idle.until(() => idle.isSettled);
    idle.bed.host.restartApi();
    await idle.until(() => idle.lastError !== undefined);
    expect(idle.lastError).toMatchObject({ name: 'HostSocketLost', code: 'ECONNREFUSED' });
  });

  it('that loses any one answer does not keep the update from its end', async () => {
    const whole = new AgentBed();
    await whole.update('1.26.1');
    for (let nth = 1; nth <= whole.requests.length; nth += 1) {
      const agent = new AgentBed();
      agent.onRequest = (count) => count === nth && agent.bed.host.fault('answerLost', { times: 1 });
      expect([nth, await agent.update('1.26.1')]).toEqual([nth, 'Updated']);
      expect([nth, agent.boots]).toEqual([nth, 1]);
      expect(agent.bed.host.dump().settings.updates?.['version-lock']).toBe('latest');
    }
  });

  it('that does not answer is told, and that it answers again', async () => {
    const agent = new AgentBed();
    await agent.until(() => agent.isSettled);
    agent.bed.host.fault('workerBlocked');
    expect(await agent.until(() => agent.errorCode === 'HostUnreachable')).toBe(true);
    expect(agent.core?.health().hostAnsweredAgoMs).toBeGreaterThan(20_000);
    agent.bed.host.clearFault();
    expect(await agent.until(() => agent.errorCode === undefined)).toBe(true);
  });
});

describe('at rest', () => {
  it('the host is asked to look for updates hourly, and a new release is told', async () => {
    const agent = new AgentBed({ running: '1.26.1' });
    await agent.until(() => agent.isSettled && agent.server.shadow?.status?.host?.updateState === 'Idle');
    const refreshes = (): number =>
      agent.requests.filter((r) => r === 'POST /actions/refresh-updates').length;
    const before = refreshes();
    await agent.clock.advance(24 * 3_600_000);
    expect(refreshes() - before).toBeGreaterThan(20);
    expect(refreshes() - before).toBeLessThan(28);
    agent.bed.repository.publish({ ...agent.bed.host.image, version: '1.27.0' });
    const { puts } = agent.server;
    expect(await agent.until(() => agent.server.shadow?.status?.target_version === '1.27.0', 4_000_000)).toBe(
      true,
    );
    expect(agent.server.puts).toBe(puts + 1);
  });

  it('nothing is reported while nothing changes', async () => {
    const agent = new AgentBed();
    await agent.clock.advance(600_000);
    const { puts } = agent.server;
    await agent.clock.advance(24 * 3_600_000);
    expect(agent.server.puts).toBe(puts);
  });

  it('a repository that cannot be reached is told once, and that it can be again', async () => {
    const agent = new AgentBed();
    agent.bed.host.fault('tufDown');
    expect(await agent.until(() => agent.errorCode === 'RepositoryUnreachable')).toBe(true);
    const { puts } = agent.server;
    await agent.clock.advance(7_200_000);
    expect(agent.server.puts - puts).toBeLessThan(3);
    agent.bed.host.clearFault();
    expect(await agent.until(() => agent.errorCode === undefined)).toBe(true);
    expect(agent.server.shadow?.status?.target_version).toBe('1.26.1');
  });
});
