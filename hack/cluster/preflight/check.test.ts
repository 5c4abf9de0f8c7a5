import { describe, expect, test } from 'vitest';
import { objectionToMachine, objectionToPresence, type Facts } from './check.ts';

const able: Facts = {
  platform: 'linux',
  uid: 0,
  missingPrograms: [],
  missingPlugins: [],
  missingFeatures: [],
  controllers: ['cpu', 'cpuacct', 'cpuset', 'memory', 'pids', 'name=systemd'],
};

describe('a machine', () => {
  test('that has everything is not objected to', () => {
    expect(objectionToMachine(able)).toBeUndefined();
  });

  test.each<[string, Partial<Facts>, RegExp]>([
    ['that is no Linux', { platform: 'darwin', uid: 501 }, /this is darwin: run it in a Linux VM\.$/],
    ['without root', { uid: 1000 }, /Only root .*: run it with sudo\.$/],
    [
      'without programs',
      { missingPrograms: ['unshare', 'nsenter', 'runc'] },
      /lacks unshare, nsenter, runc: apt-get install runc util-linux\.$/,
    ],
    [
      'without network plugins',
      { missingPlugins: ['ptp', 'portmap'] },
      /lacks \/usr\/lib\/cni\/ptp, \/usr\/lib\/cni\/portmap: apt-get install containernetworking-plugins\.$/,
    ],
    ['without a controller', { controllers: ['cpu', 'memory', 'pids'] }, /cgroup controllers cpuset:/],
    ['that may make no namespaces', { missingFeatures: ['namespaces'] }, /needs --privileged for it\.$/],
    ['without a kernel module', { missingFeatures: ['overlay', 'kmsg'] }, /modprobe overlay\.$/],
  ])('%s is told the remedy', (_, lack, remedy) => {
    expect(objectionToMachine({ ...able, ...lack })).toMatch(remedy);
  });

  test('is told what is most basic first', () => {
    const nothing: Facts = { ...able, uid: 1000, missingPrograms: ['ip'], controllers: [] };
    expect(objectionToMachine(nothing)).toMatch(/sudo/);
    expect(objectionToMachine({ ...nothing, uid: 0 })).toMatch(/iproute2/);
  });
});

describe('a name', () => {
  test('that is free is not objected to', () => {
    expect(objectionToPresence({ name: 'a', pid: undefined, leftover: false })).toBeUndefined();
  });

  test.each([
    ['of a cluster that runs', { pid: 77, leftover: true }, /runs already \(process 77\)/],
    ['of a cluster that left something', { pid: undefined, leftover: true }, /left something/],
  ])('%s is, with the remedy', (_, present, sentence) => {
    const objection = objectionToPresence({ name: 'a', ...present });
    expect(objection).toMatch(sentence);
    expect(objection).toMatch(/: npm run cluster -- down --name a$/);
  });
});
