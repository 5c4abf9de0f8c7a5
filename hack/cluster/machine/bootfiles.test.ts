import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { serviceScript, writeBoot } from './bootfiles.ts';
import type { BootPlan } from './bootplan.ts';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'brupop-boot-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const PLAN: BootPlan = {
  files: [
    { path: '/etc/hostname', text: 'node-1\n' },
    { path: '/etc/kubernetes/secret', text: 'token', mode: 0o600 },
  ],
  mounts: [
    { from: '/some where/containerd', to: '/opt/bin/containerd' },
    { from: '/usr/lib/cni', to: '/opt/cni/bin' },
  ],
  kernel: { 'kernel/panic': '10' },
  services: { containerd: ['/opt/bin/containerd'], kubelet: ['kubelet', '--a=b'], 'kube-proxy': ['p'] },
};

it('a boot is laid out as files, mounts, kernel settings and services', async () => {
  const boot = join(dir, 'boot');
  await writeBoot(PLAN, boot);
  const read = (path: string): string => readFileSync(join(boot, path), 'utf8');
  expect(read('root/etc/hostname')).toBe('node-1\n');
  expect(statSync(join(boot, 'root/etc/hostname')).mode & 0o777).toBe(0o644);
  expect(statSync(join(boot, 'root/etc/kubernetes/secret')).mode & 0o777).toBe(0o600);
  expect(read('mounts')).toBe('/opt/bin/containerd /some where/containerd\n/opt/cni/bin /usr/lib/cni\n');
  expect(read('kernel/kernel/panic')).toBe('10\n');
  expect(read('root/run/services/kubelet')).toBe(`#!/bin/sh\nexec 'kubelet' '--a=b'\n`);
  expect(statSync(join(boot, 'root/run/services/kubelet')).mode & 0o777).toBe(0o755);
});

it('nothing of an earlier boot is left', async () => {
  const boot = join(dir, 'again');
  await writeBoot(PLAN, boot);
  writeFileSync(join(boot, 'root/etc/stale'), '');
  await writeBoot(PLAN, boot);
  expect(() => statSync(join(boot, 'root/etc/stale'))).toThrow('ENOENT');
});

it('a service gets its arguments as they are', () => {
  const strange = [`it's`, '$HOME', 'two words', '"', '\\', '`id`', ''];
  const script = serviceScript(['/usr/bin/printf', '%s|', ...strange]);
  expect(execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' })).toBe(`${strange.join('|')}|`);
});
