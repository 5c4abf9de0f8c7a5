import { describe, expect, it } from 'vitest';
import { parseOs, parseSettings, parseUpdateStatus } from './parse.ts';

const LONG = 'x'.repeat(65);
const os = {
  version_id: '1.44.0',
  variant_id: 'aws-k8s-1.36',
  arch: 'x86_64',
  pretty_name: 'Bottlerocket OS',
};
const image = { arch: 'x86_64', version: '1.44.0', variant: 'aws-k8s-1.36' };
const status = {
  update_state: 'Available',
  available_updates: ['1.44.0'],
  chosen_update: image,
  active_partition: null,
  staging_partition: null,
  most_recent_command: null,
};

describe('what a host says', () => {
  it('is read when a report can hold it', () => {
    expect(parseOs(os)).toMatchObject({ version: '1.44.0' });
    expect(parseUpdateStatus(status)).toMatchObject({ updateState: 'Available' });
  });

  it.each([
    ['version', { version_id: LONG }],
    ['variant', { variant_id: LONG }],
    ['architecture', { arch: 'x'.repeat(17) }],
  ])('is of unknown shape with a %s that no report can hold', (_, change) => {
    expect(parseOs({ ...os, ...change })).toBeUndefined();
  });

  it.each([
    ['offer', { available_updates: [LONG] }],
    ['choice', { chosen_update: { ...image, version: LONG } }],
    [
      'time of a command',
      {
        most_recent_command: { cmd_type: 'refresh', cmd_status: 'Success', timestamp: LONG, exit_status: 0 },
      },
    ],
  ])('is of unknown shape with an %s that no report can hold', (_, change) => {
    expect(parseUpdateStatus({ ...status, ...change })).toBeUndefined();
  });

  it('is of unknown shape with a version lock that no report can hold', () => {
    expect(parseSettings({ updates: { 'version-lock': LONG, 'ignore-waves': false } })).toBeUndefined();
  });
});
