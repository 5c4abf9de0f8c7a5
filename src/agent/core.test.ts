import { describe, expect, it } from 'vitest';
import type { ProblemCode } from '../api/wire.ts';
import { AgentBed } from './testbed.ts';
import type { PutFault } from './testbed.ts';

/** What must hold after an update, whatever happened on the way. */
function expectUpdatedOnce(agent: AgentBed): void {
  const { host } = agent.bed;
  expect(host.image.version).toBe('1.26.1');
  expect(agent.boots).toBe(1);
  expect(host.dump().settings.updates).toMatchObject({ 'version-lock': 'latest', 'ignore-waves': false });
  for (const { bootId, intent } of agent.posts)
    expect(intent).toMatchObject({
      current_state: 'StagedAndPerformedUpdate',
      host: { rebootIntent: { bootId, version: '1.26.1' } },
    });
}

describe('a check for updates', () => {
  it.each(['1.26.1', '1.25.0'])(
    'is told with what it found, once, also when that is nothing new (%s)',
    async (newest) => {
      const agent = new AgentBed({ running: '1.25.0', releases: ['1.24.1', newest] });
      await agent.clock.advance(600_000);
      const reports = agent.server.recorded.map(({ host }) => [host.available?.[0], typeof host.checkedAt]);
      expect(reports).toEqual([
        [undefined, 'object'],
        [newest, 'string'],
      ]);
    },
  );
});

describe('an update', () => {
  it('takes the host through all states, with one reboot, and leaves its settings as they were', async () => {
    const agent = new AgentBed();
    expect(await agent.update('1.26.1')).toBe('Updated');
    expectUpdatedOnce(agent);
    expect(agent.posts).toHaveLength(1);
    expect(agent.server.refusals).toEqual([]);
    expect(agent.story()).toMatchInlineSnapshot(`
      [
        "Idle",
        "Idle/Prepare",
        "Idle/Activate",
        "StagedAndPerformedUpdate",
        "StagedAndPerformedUpdate/Reboot",
        "RebootedIntoUpdate",
        "MonitoringUpdate",
        "Idle",
      ]
    `);
  });

  it('does on the host what has to be done, in this order', async () => {
    const agent = new AgentBed();
    await agent.update('1.26.1');
    expect(agent.requests.filter((request) => !request.startsWith('GET'))).toEqual([
      'PATCH /settings',
      'POST /tx/commit_and_apply',
      'POST /actions/refresh-updates',
      'POST /actions/prepare-update',
      'PATCH /settings',
      'POST /tx/commit_and_apply',
      'POST /actions/activate-update',
      'POST /actions/reboot',
    ]);
  });

  it('keeps the lock that somebody set, and can go back to an older version', async () => {
    const agent = new AgentBed({ updates: { 'version-lock': 'v1.25.0' } });
    expect(await agent.update('1.24.1')).toBe('Updated');
    expect(agent.bed.host.image.version).toBe('1.24.1');
    expect(agent.bed.host.dump().settings.updates?.['version-lock']).toBe('v1.25.0');
  });

  it('ignores waves while a policy says so, and respects them again afterwards', async () => {
    const agent = new AgentBed({ waves: { '0': '2030-01-01T00:00:00Z' } });
    const host = { lock: 'Pin', waves: 'Ignore' } as const;
    expect(await agent.update('1.26.1', { host })).toBe('not settled');
    expect(agent.bed.host.image.version).toBe('1.26.1');
    expect(agent.bed.host.dump().settings.updates?.['ignore-waves']).toBe(true);
    agent.server.ask({ host: { lock: 'Pin', waves: 'Respect' } });
    expect(await agent.until(() => agent.isSettled)).toBe(true);
    expect(agent.bed.host.dump().settings.updates?.['ignore-waves']).toBe(false);
  });

  it('with Observe leaves the lock alone and takes what the host chooses, or fails', async () => {
    const host = { lock: 'Observe', waves: 'Respect' } as const;
    const agent = new AgentBed();
    expect(await agent.update('1.26.1', { host })).toBe('Updated');
    expect(agent.requests).not.toContain('PATCH /settings');
    expect(await new AgentBed().update('1.24.1', { host })).toBe('StageFailed');
  });
});

describe('whatever is lost on the way to the API server', () => {
  const puts = Array.from({ length: 11 }, (_, i) => i + 1);
  const faults: PutFault[] = [
    'lost',
    'dropped',
    'Conflict',
    'StaleSeq',
    'OutcomeUnknown',
    'TooManyRequests',
    'Internal',
  ];
  it.each(faults)('%s, at every report: the update comes to its end', async (fault) => {
    for (const put of puts) {
      const agent = new AgentBed();
      agent.server.putFaults.set(put, fault);
      expect([put, await agent.update('1.26.1')]).toEqual([put, 'Updated']);
      expectUpdatedOnce(agent);
    }
  });

  it('an intent whose 2xx was lost is asked for again before the POST', async () => {
    const agent = new AgentBed();
    await agent.armed('1.26.1');
    agent.server.putFaults.set(agent.server.puts + 1, 'lost');
    agent.server.ask({ state: 'RebootedIntoUpdate' });
    await agent.until(() => agent.posts.length > 0);
    const intents = agent.server.recorded.flatMap((r) => r.host.rebootIntent?.at ?? []);
    expect(new Set(intents).size).toBe(2);
    expect(agent.posts[0]?.intent?.host?.rebootIntent?.at).toBe(intents.at(-1));
  });

  it.each<ProblemCode>(['IntentTooLate', 'IllegalIntent', 'ShadowDeleted'])(
    'no reboot without a 2xx: %s',
    async (code) => {
      const agent = new AgentBed();
      await agent.armed('1.26.1');
      for (let put = 1; put < 500; put += 1) agent.server.putFaults.set(agent.server.puts + put, code);
      agent.server.ask({ state: 'RebootedIntoUpdate' });
      await agent.clock.advance(600_000);
      expect(agent.posts).toEqual([]);
      expect(agent.server.puts).toBeLessThan(60);
    },
  );

  it('a stream that is cut, silent or refused is opened again', async () => {
    const agent = new AgentBed();
    await agent.until(() => agent.isSettled);
    agent.server.send('cut');
    await agent.clock.advance(2_000);
    expect(agent.core?.health().streamOpen).toBe(true);
    agent.server.isSilent = true;
    await agent.clock.advance(70_000);
    expect(agent.log.map((line) => line.fields['code'])).toContain('silent');
    agent.server.isSilent = false;
    agent.server.isDown = true;
    agent.server.send('cut');
    await agent.clock.advance(600_000);
    expect(agent.core?.health().streamOpen).toBe(false);
    agent.server.isDown = false;
    await agent.clock.advance(60_000);
    expect(await agent.update('1.26.1')).toBe('Updated');
  });
});

describe('an agent that dies', () => {
  it('at any call of its life is followed by one that goes on, and the host reboots once', async () => {
    const whole = new AgentBed();
    await whole.update('1.26.1');
    expect(whole.calls).toBeGreaterThan(50);
    for (let call = 1; call <= whole.calls; call += 1) {
      const agent = new AgentBed();
      agent.crashAt = call;
      expect([call, await agent.update('1.26.1')]).toEqual([call, 'Updated']);
      expect([call, agent.boots]).toEqual([call, 1]);
      expectUpdatedOnce(agent);
    }
  });

  it('ends at once when it is asked to', async () => {
    const agent = new AgentBed();
    await agent.clock.advance(30_000);
    const stopped = agent.stop();
    await agent.clock.advance(1);
    await stopped;
    const { calls } = agent;
    await agent.clock.advance(600_000);
    expect(agent.calls).toBe(calls);
  });
});

describe('an order that is taken back', () => {
  it('at any moment of staging leaves nothing behind', async () => {
    for (let seconds = 0; seconds < 150; seconds += 7) {
      const agent = new AgentBed();
      await agent.until(() => agent.isSettled);
      agent.server.ask({ state: 'StagedAndPerformedUpdate', version: '1.26.1', attempt: 1 });
      await agent.clock.advance(seconds * 1_000);
      agent.server.ask({ state: 'Idle', version: null });
      expect([seconds, await agent.until(() => agent.isSettled)]).toEqual([seconds, true]);
      expect(agent.bed.host.status?.update_state).not.toBe('Ready');
      expect(agent.bed.host.dump().settings.updates?.['version-lock']).toBe('latest');
      expect(agent.posts).toEqual([]);
    }
  });

  it('is disarmed again and again until the host does it, and the reason is told', async () => {
    const agent = new AgentBed();
    await agent.armed('1.26.1');
    agent.bed.host.fault('tufDown');
    agent.server.ask({ state: 'Idle', version: null });
    expect(await agent.until(() => agent.errorCode === 'DisarmFailed')).toBe(true);
    expect(agent.isSettled).toBe(false);
    agent.bed.host.clearFault();
    expect(await agent.until(() => agent.isSettled)).toBe(true);
    expect(agent.bed.host.status?.update_state).toBe('Staged');
  });

  it('does not disarm what somebody else armed', async () => {
    const agent = new AgentBed();
    for (const command of ['refresh', 'prepare', 'activate'] as const) {
      await agent.until(() => !agent.bed.host.locked);
      agent.bed.host.otherClient(command);
      await agent.until(() => !agent.bed.host.locked);
    }
    await agent.clock.advance(7_200_000);
    expect(agent.bed.host.status?.update_state).toBe('Ready');
    expect(agent.server.shadow?.status?.host?.updateState).toBe('Ready');
    expect(agent.isSettled).toBe(true);
  });

  it('after the reboot was asked for ends with a host that is heard and armed with nothing', async () => {
    const agent = new AgentBed();
    await agent.armed('1.26.1');
    agent.server.ask({ state: 'RebootedIntoUpdate' });
    await agent.until(() => agent.posts.length > 0);
    agent.server.ask({ state: 'Idle', version: null });
    expect(await agent.until(() => agent.isSettled)).toBe(true);
    expect(agent.boots).toBe(1);
    expect(agent.bed.host.slots.B.priority === 2).toBe(agent.bed.host.image.version === '1.26.1');
  });
});

describe('a shadow', () => {
  it('of a lower generation is never acted on', async () => {
    const agent = new AgentBed();
    await agent.until(() => agent.isSettled);
    const old = structuredClone(agent.server.shadow);
    agent.server.ask({ state: 'StagedAndPerformedUpdate', version: '1.26.1', attempt: 1 });
    const ordered = structuredClone(agent.server.shadow);
    await agent.until(() => agent.server.state === 'StagedAndPerformedUpdate');
    agent.server.ask({ state: 'Idle', version: null });
    await agent.until(() => agent.isSettled);
    const { length } = agent.requests;
    for (const object of [old, ordered]) if (object) agent.server.send({ type: 'SHADOW', object });
    await agent.clock.advance(120_000);
    expect(agent.requests.slice(length).filter((request) => request.startsWith('POST'))).toEqual([]);
    expect(agent.isSettled).toBe(true);
  });

  it('that is made anew begins anew, and late news of the old one change nothing', async () => {
    const agent = new AgentBed();
    await agent.until(() => agent.isSettled);
    const old = structuredClone(agent.server.shadow);
    agent.server.tell(undefined);
    await agent.clock.advance(60_000);
    agent.server.tell({ metadata: { name: 'brs-n1', uid: 'uid-2', generation: 1 }, spec: { state: 'Idle' } });
    expect(await agent.until(() => agent.isSettled)).toBe(true);
    if (old)
      agent.server.send({ type: 'SHADOW', object: { ...old, metadata: { ...old.metadata, generation: 9 } } });
    await agent.clock.advance(60_000);
    expect(await agent.update('1.26.1')).toBe('Updated');
  });

  it('that is not there yet is waited for', async () => {
    const agent = new AgentBed();
    agent.server.tell(undefined);
    await agent.clock.advance(600_000);
    expect(agent.server.puts).toBeLessThan(2);
    expect(agent.core?.health()).toMatchObject({ streamOpen: true });
    agent.server.tell({ metadata: { name: 'brs-n1', uid: 'uid-3', generation: 1 }, spec: { state: 'Idle' } });
    expect(await agent.update('1.26.1')).toBe('Updated');
  });
});
