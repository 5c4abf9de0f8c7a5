import { describe, expect, it } from 'vitest';
import { hostBed } from './testbed.ts';

const JSON_TYPE = 'application/json';
const lock = 'settings.updates.version-lock';

describe('the router', () => {
  it.each([
    'GET /updates/status/',
    'GET /metrics',
    'GET /nothing',
    'POST /updates/status',
    'GET /actions/reboot',
    'PUT /settings',
    'HEAD /os',
    'GET /constructor',
  ])('knows no %s', (line) => {
    expect(hostBed().send(line)).toEqual({ status: 404, body: '' });
  });

  it('knows that /exec exists', () => expect(hostBed().send('POST /exec').status).toBe(405));

  it('names the running image', () => {
    const bed = hostBed();
    expect(bed.send('GET /os')).toEqual({
      status: 200,
      contentType: JSON_TYPE,
      body: '{"arch":"x86_64","build_id":"388e1050","pretty_name":"Bottlerocket OS 1.25.0 (aws-k8s-1.30)","variant_id":"aws-k8s-1.30","version_id":"1.25.0"}',
    });
    expect(bed.send('GET /os?prefix=version').body).toBe('{"version_id":"1.25.0"}');
    expect(bed.send('GET /os?prefix=os.version').body).toBe('{"version_id":"1.25.0"}');
    expect(bed.send('GET /os?prefix=')).toEqual({ status: 400, body: "Input 'prefix' cannot be empty" });
  });

  it('has no status before the first command of a boot', () => {
    expect(hostBed().send('GET /updates/status')).toEqual({
      status: 404,
      body: 'Update status is uninitialized, refresh-updates to initialize it',
    });
  });

  it('lists and gives reports, and the whole model', () => {
    const bed = hostBed();
    expect(bed.send('GET /report/cis?level=1&format=json')).toMatchObject({
      status: 200,
      contentType: 'application/text',
    });
    expect(JSON.parse(bed.send('GET /report').body)).toEqual([
      { name: 'cis', description: 'CIS Bottlerocket Benchmark' },
    ]);
    expect(Object.keys(JSON.parse(bed.send('GET /').body) as object)).toEqual([
      'settings',
      'services',
      'configuration-files',
      'os',
    ]);
  });
});

describe('settings', () => {
  it('are read whole, by prefix, and by key', () => {
    const bed = hostBed();
    expect(bed.send('GET /settings?prefix=updates')).toEqual({
      status: 200,
      contentType: JSON_TYPE,
      body: '{"updates":{"metadata-base-url":"https://updates.bottlerocket.aws/2020-07-07/aws-k8s-1.30/x86_64/","targets-base-url":"https://updates.bottlerocket.aws/targets/","seed":1234,"version-lock":"latest","ignore-waves":false}}',
    });
    expect(bed.send(`GET /settings?keys=${lock},settings.nothing`).body).toBe(
      '{"updates":{"version-lock":"latest"}}',
    );
    expect(bed.send('GET /settings?keys=updates.version-lock').body).toBe('{}');
    expect(bed.send('GET /settings?prefix=')).toMatchObject({ status: 400 });
  });

  it('wait in a transaction until somebody commits it', async () => {
    const bed = hostBed();
    expect(bed.send('PATCH /settings?tx=a', { updates: { 'version-lock': '1.26.1' } })).toEqual({
      status: 204,
      body: '',
    });
    expect(bed.send('GET /tx?tx=a').body).toBe('{"updates":{"version-lock":"1.26.1"}}');
    expect(bed.send('GET /tx').body).toBe('{}');
    expect(bed.send('GET /tx/list').body).toBe('["a"]');
    expect(bed.send(`GET /settings?keys=${lock}`).body).toContain('latest');
    expect(bed.send('POST /tx/commit_and_apply?tx=a')).toEqual({
      status: 200,
      contentType: JSON_TYPE,
      body: `["${lock}"]`,
    });
    expect(bed.send(`GET /settings?keys=${lock}`).body).toContain('1.26.1');
    expect(bed.send('POST /tx/commit_and_apply?tx=a')).toEqual({
      status: 422,
      body: 'Tried to commit with no pending changes',
    });
    await bed.clock.advance(1_000);
  });

  it('are committed even when they equal what is live', () => {
    const bed = hostBed();
    bed.send('PATCH /settings', { updates: { 'version-lock': 'latest' } });
    expect(bed.send('POST /tx/commit').body).toBe(`["${lock}"]`);
  });

  it('are dropped by key', () => {
    const bed = hostBed();
    bed.send('PATCH /settings?tx=a', { updates: { 'ignore-waves': true } });
    expect(bed.send('DELETE /tx?tx=a').body).toBe('["settings.updates.ignore-waves"]');
    expect(bed.send('DELETE /tx?tx=a').body).toBe('[]');
  });

  it('come as key pairs too', () => {
    const bed = hostBed();
    const pairs = { request_payload: ['settings.updates.version-lock=1.26.1', 'updates.ignore-waves=true'] };
    expect(bed.send('PATCH /settings/keypair', pairs).status).toBe(204);
    expect(bed.send('GET /tx').body).toBe('{"updates":{"version-lock":"1.26.1","ignore-waves":true}}');
    expect(bed.send('PATCH /settings/keypair', { request_payload: ['x'] })).toEqual({
      status: 400,
      body: 'Failed to split the string: x',
    });
  });

  it.each<[string, unknown]>([
    ['an unknown field', { updates: { lock: '1.0.0' } }],
    ['a wrapper', { settings: { updates: {} } }],
    ['half a version', { updates: { 'version-lock': '1.26' } }],
    ['a text for a flag', { updates: { 'ignore-waves': 'true' } }],
    ['a list', []],
  ])('refuse %s and store nothing', (_what, body) => {
    const bed = hostBed();
    expect(bed.send('PATCH /settings?tx=a', body)).toMatchObject({
      status: 400,
      contentType: 'text/plain; charset=utf-8',
      body: expect.stringMatching(/^Json deserialize error: /),
    });
    expect(bed.send('GET /tx/list').body).toBe('[]');
  });

  it('want JSON, said to be JSON, of less than 2 MiB', () => {
    const { host } = hostBed();
    const patch = (body: string, contentType?: string) => {
      const result = host.request({
        method: 'PATCH',
        path: '/settings',
        body,
        ...(contentType ? { contentType } : {}),
      });
      return result.kind === 'response' ? result.answer : undefined;
    };
    expect(patch('{}')).toMatchObject({ status: 400, body: 'Content type error' });
    expect(patch('{', JSON_TYPE)).toMatchObject({ status: 400 });
    expect(patch(`"${'x'.repeat(2 ** 21)}"`, JSON_TYPE)).toMatchObject({ status: 413 });
  });

  it('reach the two configuration files later, each in its own time', async () => {
    const bed = hostBed();
    bed.host.fault('settingsRenderDelay', { ms: 20_000, which: 'updog' });
    await bed.set({ 'version-lock': '1.24.1' });
    expect(bed.host.dump().rendered).toMatchObject({
      updog: { versionLock: 'latest' },
      dispatcher: { versionLock: '1.24.1' },
    });
    await bed.clock.advance(20_000);
    expect(bed.host.dump().rendered.updog.versionLock).toBe('1.24.1');
  });

  it('never reach them when rendering is broken, but do at the next boot', async () => {
    const bed = hostBed();
    bed.host.fault('settingsRenderNever');
    await bed.set({ 'version-lock': '1.24.1' });
    await bed.clock.advance(600_000);
    expect(bed.host.dump().rendered.updog.versionLock).toBe('latest');
    bed.send('PATCH /settings?tx=left', { updates: { 'ignore-waves': true } });
    bed.host.powerCycle();
    await bed.rebooted();
    expect(bed.host.dump()).toMatchObject({
      transactions: [],
      rendered: {
        updog: { versionLock: '1.24.1', ignoreWaves: false },
        dispatcher: { versionLock: '1.24.1' },
      },
    });
  });

  it('are seen at once by a dispatcher older than 1.20.0, and not by its updater', async () => {
    const bed = hostBed({ running: '1.19.0', releases: ['1.18.0', '1.19.0', '1.19.5'] });
    bed.host.fault('settingsRenderNever');
    await bed.set({ 'version-lock': '1.18.0' });
    await bed.run('refresh');
    expect(bed.status().chosen_update?.version).toBe('1.18.0');
    await bed.run('prepare');
    expect(bed.status().most_recent_command?.stderr).toBe('Starting update to 1.19.5\n');
  });

  it('can be refused, or committed with the answer lost', () => {
    const bed = hostBed();
    bed.host.fault('settingsRefused', { times: 1 });
    bed.host.fault('commitLost', { times: 1 });
    expect(bed.send('PATCH /settings', { updates: { 'ignore-waves': true } }).status).toBe(500);
    expect(bed.send('PATCH /settings', { updates: { 'ignore-waves': true } }).status).toBe(204);
    expect(bed.send('POST /tx/commit_and_apply').status).toBe(0);
    expect(bed.send('GET /settings?keys=settings.updates.ignore-waves').body).toContain('true');
  });
});
