import { describe, expect, it } from 'vitest';
import { readConfig } from '../runtime/config.ts';
import { AGENT_OPTIONS, liveness, readiness } from './main.ts';

const well = { streamOpen: true, hostAnsweredAgoMs: 1_000, beatAgoMs: 1_000 };

describe('probes', () => {
  it.each([
    [well, true],
    [{ ...well, streamOpen: false }, false],
    [{ ...well, hostAnsweredAgoMs: undefined }, false],
    [{ ...well, hostAnsweredAgoMs: 60_000 }, true],
    [{ ...well, hostAnsweredAgoMs: 60_001 }, false],
  ])('%o is ready: %s', (health, ok) => {
    expect(readiness(health, 60_000).ok).toBe(ok);
  });

  it('a loop that moves is alive, whatever it reaches', () => {
    expect(liveness({ streamOpen: false, hostAnsweredAgoMs: undefined, beatAgoMs: 299_999 }).ok).toBe(true);
    expect(liveness({ ...well, beatAgoMs: 300_000 }).ok).toBe(false);
  });
});

describe('configuration', () => {
  it('needs nothing on a real host', () => {
    expect(readConfig(AGENT_OPTIONS, { argv: [], env: {} })).toMatchObject({
      apiSocket: '/run/api.sock',
      bootIdFile: '/proc/sys/kernel/random/boot_id',
      url: 'https://brupop-apiserver.brupop-bottlerocket-aws.svc:8443',
    });
  });

  it('takes the variables of the DaemonSet', () => {
    const env = {
      APISERVER_URL: 'https://a:1',
      API_SOCKET: '/s',
      BOOT_ID_FILE: '/b',
      TOKEN_FILE: '/t',
      CA_FILE: '/c',
    };
    expect(readConfig(AGENT_OPTIONS, { argv: ['--node-name=n1'], env })).toMatchObject({
      url: 'https://a:1',
      apiSocket: '/s',
      bootIdFile: '/b',
      tokenFile: '/t',
      caFile: '/c',
      nodeName: 'n1',
    });
  });
});
