import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { bootPlan, type Boot } from './bootplan.ts';
import type { MachineConfig } from './config.ts';
import { HOST, machineConfig } from './testbed.ts';

const BOOT: Boot = {
  bootId: '61ebab61-fce3-4eab-b1d6-fde6e8449988',
  cgroupRoot: '/brupop-dev/node-1',
  sandboxImage: 'brupop.test/pause:1',
  ca: 'CA',
};

/** The text of a file that the machine finds when it boots. */
function fileOf(path: string, config: Partial<MachineConfig> = {}, boot: Partial<Boot> = {}): string {
  const { files } = bootPlan(machineConfig(config), { ...BOOT, ...boot });
  const text = files.find((file) => file.path === path)?.text;
  if (text === undefined) throw new Error(`The machine has no ${path}`);
  return text;
}

const yamlOf = (...args: Parameters<typeof fileOf>) => parse(fileOf(...args)) as Record<string, unknown>;

describe('a Bottlerocket machine', () => {
  it('says in os-release which version it boots', () => {
    const text = fileOf('/etc/os-release', {}, { image: HOST.image });
    expect(text).toContain('PRETTY_NAME="Bottlerocket OS 1.40.0 (aws-k8s-1.36)"\n');
    expect(text).toContain('VERSION_ID=1.40.0\n');
    expect(text).toContain('VARIANT_ID=aws-k8s-1.36\n');
  });

  it('shows the boot id to the kubelet and to pods', () => {
    expect(bootPlan(machineConfig(), BOOT).kernel['kernel/random/boot_id']).toBe(BOOT.bootId);
    expect(fileOf('/run/boot-id')).toBe(`${BOOT.bootId}\n`);
  });
});

describe('every machine', () => {
  it('keeps its identity over boots and shares it with no other', () => {
    const id = fileOf('/etc/machine-id');
    expect(id).toMatch(/^[0-9a-f]{32}\n$/);
    expect(fileOf('/etc/machine-id', {}, { bootId: 'another' })).toBe(id);
    expect(fileOf('/etc/machine-id', { name: 'node-2' })).not.toBe(id);
    expect(fileOf('/etc/machine-id', { cluster: 'other' })).not.toBe(id);
  });

  it('knows itself and the name server on the bridge', () => {
    expect(fileOf('/etc/hostname')).toBe('node-1\n');
    expect(fileOf('/etc/hosts')).toContain('10.99.0.11 node-1\n');
    expect(fileOf('/etc/resolv.conf')).toBe('nameserver 10.99.0.1\n');
  });

  it('leaves the os-release of an ordinary one alone', () => {
    expect(() => fileOf('/etc/os-release')).toThrow('has no /etc/os-release');
  });

  it('keeps pods, images and logs, and nothing else', () => {
    const { mounts } = bootPlan(machineConfig(), BOOT);
    expect(mounts.filter(({ from }) => from.startsWith('/state/'))).toEqual([
      { from: '/state/machines/node-1/kubelet', to: '/var/lib/kubelet' },
      { from: '/state/machines/node-1/containerd', to: '/var/lib/containerd' },
      { from: '/state/machines/node-1/log', to: '/var/log' },
    ]);
  });

  it('has every program it runs', () => {
    const { mounts, services } = bootPlan(machineConfig(), BOOT);
    const there = new Set(mounts.map(({ to }) => to));
    for (const [program = ''] of Object.values(services)) expect(there).toContain(program);
    expect(there).toContain('/opt/bin/containerd-shim-runc-v2');
    expect(mounts.map(({ to }) => to).filter((to) => /\s/.test(to))).toEqual([]);
  });

  it('keeps tokens from all but root', () => {
    const { files } = bootPlan(machineConfig(), BOOT);
    const secret = files.filter(({ text }) => text.includes('-token'));
    expect(secret.map(({ path, mode }) => [path, mode])).toEqual([
      ['/etc/kubernetes/kubelet.kubeconfig', 0o600],
      ['/etc/kubernetes/kube-proxy.kubeconfig', 0o600],
    ]);
  });
});

describe('containerd', () => {
  it('runs pods with our sandbox image and its own runc', () => {
    const text = fileOf('/etc/containerd/config.toml');
    expect(text).toContain('sandbox = "brupop.test/pause:1"');
    expect(text).toContain('BinaryName = "/opt/bin/runc"');
  });

  it('gives pods addresses of the machine', () => {
    const { plugins } = JSON.parse(fileOf('/etc/cni/net.d/10-pods.conflist')) as {
      plugins: { type: string; ipam?: { ranges: unknown } }[];
    };
    expect(plugins.map(({ type }) => type)).toEqual(['ptp', 'portmap']);
    expect(plugins[0]?.ipam?.ranges).toEqual([[{ subnet: '10.244.1.0/24' }]]);
  });
});

describe('the kubelet', () => {
  it('runs below the cgroup that was made for it, on either version of cgroups', () => {
    expect(yamlOf('/etc/kubernetes/kubelet.yaml')).toMatchObject({
      cgroupRoot: '/brupop-dev/node-1',
      cgroupDriver: 'cgroupfs',
      failCgroupV1: false,
      failSwapOn: false,
      enforceNodeAllocatable: [],
    });
  });

  it('finds every kernel setting as it wants it, so that it changes none', () => {
    expect(bootPlan(machineConfig(), BOOT).kernel).toMatchObject({
      'vm/overcommit_memory': '1',
      'vm/panic_on_oom': '0',
      'kernel/panic': '10',
      'kernel/panic_on_oops': '1',
    });
  });

  it('registers its node with name, address, labels and taints', () => {
    const taints = [{ key: 'infra', value: 'true', effect: 'NoSchedule' as const }];
    expect(bootPlan(machineConfig(), BOOT).services.kubelet).toEqual(
      expect.arrayContaining([
        '--hostname-override=node-1',
        '--node-ip=10.99.0.11',
        '--node-labels=env=dev,topology.kubernetes.io/zone=test-1a',
      ]),
    );
    expect(yamlOf('/etc/kubernetes/kubelet.yaml', { taints })).toMatchObject({
      registerWithTaints: taints,
      providerID: 'cluster:///dev/node-1',
    });
  });

  it('is asked by kube-apiserver alone when that has a certificate', () => {
    const kubeletClientCaFile = '/state/client-ca.crt';
    const path = '/etc/kubernetes/kubelet.yaml';
    expect(yamlOf(path, { kubeletClientCaFile }, { kubeletClientCa: 'CLIENT CA' })).toMatchObject({
      authentication: {
        anonymous: { enabled: false },
        x509: { clientCAFile: '/etc/kubernetes/kubelet-client-ca.crt' },
      },
      authorization: { mode: 'Webhook' },
    });
    const boot = { kubeletClientCa: 'CLIENT CA' };
    expect(fileOf('/etc/kubernetes/kubelet-client-ca.crt', { kubeletClientCaFile }, boot)).toBe('CLIENT CA');
    expect(yamlOf(path)).toMatchObject({ authorization: { mode: 'AlwaysAllow' } });
  });

  it('and kube-proxy reach kube-apiserver as who they are', () => {
    for (const [path, name, token] of [
      ['/etc/kubernetes/kubelet.kubeconfig', 'system:node:node-1', 'kubelet-token'],
      ['/etc/kubernetes/kube-proxy.kubeconfig', 'system:kube-proxy', 'proxy-token'],
    ] as const) {
      expect(yamlOf(path)).toMatchObject({
        clusters: [{ cluster: { server: 'https://10.99.0.1:6443' } }],
        users: [{ name, user: { token } }],
      });
    }
  });
});
