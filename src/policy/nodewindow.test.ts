import { describe, expect, it } from 'vitest';
import { withDefaults } from './effective.ts';
import { nodeWindow } from './nodewindow.ts';
import { CompiledWindows } from './windows.ts';

const at = (text: string): number => Date.parse(text);

const windows = (blackout?: { from: string; until: string }): CompiledWindows =>
  new CompiledWindows(
    withDefaults({
      maintenanceWindows: [{ name: 'night', schedule: '0 1 * * *', duration: '2h' }],
      ...(blackout === undefined ? {} : { blackoutWindows: [blackout] }),
    }),
  );

const noon = at('2026-01-10T12:00:00Z');
const until = at('2026-01-10T14:00:00Z');

describe('the windows of a node with run-now', () => {
  it('are open until its instant', () =>
    expect(nodeWindow(windows(), { now: noon, runNowUntilMs: until })).toMatchObject({
      open: true,
      closesAt: until,
    }));

  it('go on as the window says when one is open by then', () => {
    const runNowUntilMs = at('2026-01-11T02:00:00Z');
    const { closesAt } = nodeWindow(windows(), { now: noon, runNowUntilMs });
    expect(closesAt).toBe(at('2026-01-11T03:00:00Z'));
  });

  it('close at the next blackout', () => {
    const freeze = { from: '2026-01-10T13:00:00Z', until: '2026-01-12T00:00:00Z' };
    expect(nodeWindow(windows(freeze), { now: noon, runNowUntilMs: until })).toMatchObject({
      open: true,
      closesAt: at(freeze.from),
      blackoutAt: at(freeze.from),
    });
  });

  it('stay closed in a blackout: it wins over everybody', () => {
    const freeze = { from: '2026-01-10T11:00:00Z', until: '2026-01-12T00:00:00Z' };
    expect(nodeWindow(windows(freeze), { now: noon, runNowUntilMs: until })).toMatchObject({
      open: false,
      blackout: true,
    });
  });

  it('are those of the policy once the instant has passed', () =>
    expect(nodeWindow(windows(), { now: until, runNowUntilMs: until }).open).toBe(false));
});
