/** The demo as a person starts it, and the world under it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { runDemo } from '../../src/cmd/demo/demo.ts';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function policyFile(spec: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'brupop-demo-'));
  folders.push(folder);
  const file = join(folder, 'policy.yaml');
  const head = 'apiVersion: brupop.bottlerocket.aws/v1\nkind: UpdatePolicy\nmetadata: {name: all}\n';
  writeFileSync(file, `${head}spec: ${spec}\n`);
  return file;
}

const FAST = '{maxConcurrentUpdates: 100%, minRemaining: 0s, health: {stableFor: 30s}}';

async function demo(...argv: string[]): Promise<{ code: number; text: string }> {
  let text = '';
  const code = await runDemo(argv, { write: (part) => void (text += part), isTerminal: false, columns: 120 });
  return { code, text };
}

const summaryOf = (text: string) =>
  (
    JSON.parse(text.trimEnd().split('\n').at(-1) ?? '') as {
      summary: { digest: string; updated: number; reboots: number; breaches: [] };
    }
  ).summary;

describe('the demo', () => {
  it('updates every node once, breaks nothing and ends with 0', async () => {
    const { code, text } = await demo('--nodes', '3', '--json', '--policy', policyFile(FAST));
    expect(summaryOf(text)).toMatchObject({ updated: 3, reboots: 3, breaches: [] });
    expect(code).toBe(0);
  });

  it('writes the same log byte for byte from the same seed, and another from another', async () => {
    const file = policyFile(FAST);
    const digests: string[] = [];
    for (const seed of ['7', '7', '8']) {
      const { text } = await demo('--nodes', '3', '--json', '--seed', seed, '--policy', file);
      digests.push(summaryOf(text).digest);
    }
    expect(digests[0]).toBe(digests[1]);
    expect(digests[0]).not.toBe(digests[2]);
  });

  it.each([
    ['{maxConcurrentUpdates: 500%}', 'spec.maxConcurrentUpdates'],
    ['{maintenanceWindows: [{schedule: "0 25 * * *", duration: 6h}]}', 'spec.maintenanceWindows[0].schedule'],
    ['{version: {range: ">>1"}}', 'spec.version.range'],
  ])('refuses %s and names %s', async (spec, path) => {
    const { code, text } = await demo('--policy', policyFile(spec));
    expect(text).toContain(path);
    expect(code).toBe(2);
  });

  it('says why nodes are not updated, and ends with 1, when nothing selects them', async () => {
    const { code, text } = await demo(
      '--nodes',
      '2',
      '--policy',
      policyFile('{nodeSelector: {matchLabels: {no: such}}}'),
    );
    expect(text).toContain('NoPolicy');
    expect(code).toBe(1);
  });

  it('lists its options', async () => {
    expect((await demo('--help')).code).toBe(0);
    expect((await demo('--nodes', 'many')).code).toBe(2);
  });
});
