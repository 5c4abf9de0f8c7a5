import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UpdateRepository, choose, isVersionLock, offered } from './versions.ts';
import { isWaveOpen } from './waves.ts';

const host = { arch: 'x86_64', variant: 'aws-k8s-1.30', version: '1.25.0' };
const everybody = { ignoreWaves: false, seed: 7, now: Date.parse('2026-01-01T00:00:00Z') };
function repositoryOf(...versions: string[]): UpdateRepository {
  const repository = new UpdateRepository();
  for (const version of versions) repository.publish({ ...host, version });
  return repository;
}
const chosen = (repository: UpdateRepository, running: string, lock: string): string | undefined =>
  choose(offered(repository.manifest, { ...host, version: running }, everybody), running, lock)?.version;

describe('what a host is offered', () => {
  it('is everything of its variant and architecture, newest first by version, not by text', () => {
    const repository = repositoryOf('1.9.0', '1.25.0', '1.26.1', '1.26.0');
    repository.publish({ ...host, version: '1.27.0', variant: 'aws-k8s-1.31' });
    repository.publish({ ...host, version: '1.27.0', arch: 'aarch64' });
    const list = offered(repository.manifest, host, everybody).map((release) => release.version);
    expect(list).toEqual(['1.26.1', '1.26.0', '1.25.0', '1.9.0']);
  });

  it('ends at max_version', () => {
    const repository = repositoryOf('1.25.0', '1.26.1');
    repository.setMaxVersion(host, '1.25.0');
    expect(offered(repository.manifest, host, everybody).map((r) => r.version)).toEqual(['1.25.0']);
  });

  it('lacks what is in a closed wave, unless waves are ignored', () => {
    const repository = repositoryOf('1.25.0');
    repository.publish({ ...host, version: '1.26.1', waves: { '0': '2027-01-01T00:00:00Z' } });
    expect(offered(repository.manifest, host, everybody)).toHaveLength(1);
    expect(offered(repository.manifest, host, { ...everybody, ignoreWaves: true })).toHaveLength(2);
  });
});

describe('what a host chooses', () => {
  it.each([
    ['1.25.0', 'latest', '1.26.1'],
    ['1.26.1', 'latest', undefined],
    ['1.25.0', '1.26.1', '1.26.1'],
    ['1.25.0', 'v1.26.1', '1.26.1'],
    ['1.25.0', '1.24.1', '1.24.1'],
    ['1.25.0', '1.25.0', undefined],
    ['1.25.0', 'v1.25.0', undefined],
    ['1.25.0', '1.99.0', undefined],
  ])('running %s, locked to %s', (running, lock, expected) => {
    expect(chosen(repositoryOf('1.24.1', '1.25.0', '1.26.1'), running, lock)).toBe(expected);
  });

  it('is a downgrade when what it runs was withdrawn', () => {
    const repository = repositoryOf('1.25.0', '1.26.1');
    repository.setMaxVersion(host, '1.25.0');
    expect(chosen(repository, '1.26.1', 'latest')).toBe('1.25.0');
  });

  it.each([
    ['latest', true],
    ['1.26.1', true],
    ['v1.26.1', true],
    ['1.0.1-alpha', true],
    ['1.26', false],
    ['v1', false],
    ['vv1.1.0', false],
    ['Latest', false],
    ['', false],
  ])('takes %s as a lock: %s', (text, expected) => {
    expect(isVersionLock(text)).toBe(expected);
  });
});

describe('waves', () => {
  const [start, end] = [Date.parse('2026-01-02T00:00:00Z'), Date.parse('2026-01-03T00:00:00Z')];
  const waves = { '512': '2026-01-02T00:00:00Z', '1024': '2026-01-03T00:00:00Z' };
  const opensAt = (seed: number): number => {
    for (let now = start - 60_000; now <= end + 60_000; now += 60_000)
      if (isWaveOpen(waves, seed, now)) return now;
    return Number.POSITIVE_INFINITY;
  };

  it('are open when there are none', () => expect(isWaveOpen({}, 2047, 0)).toBe(true));
  it('are open up to the first key, even before its time', () => {
    expect(isWaveOpen(waves, 0, 0)).toBe(true);
    expect(isWaveOpen(waves, 512, 0)).toBe(true);
  });
  it('open at once behind the last key', () => expect(opensAt(1500)).toBe(end));
  it('open at their end for high seeds, since the seed itself is the factor', () => {
    expect(opensAt(513)).toBe(end);
    expect(opensAt(1024)).toBe(end);
  });
  it('spread the seeds of the wave that begins at 0', () => {
    const spread = { '0': '2026-01-02T00:00:00Z', '1024': '2026-01-03T00:00:00Z' };
    expect(isWaveOpen(spread, 512, start + (end - start) / 2)).toBe(true);
    expect(isWaveOpen(spread, 512, start + (end - start) / 2 - 1)).toBe(false);
  });
  it('never close again', () => {
    fc.assert(
      fc.property(
        fc.nat(2047),
        fc.integer({ min: start - 1e8, max: end + 1e8 }),
        fc.nat(1e8),
        (seed, now, later) => {
          expect(isWaveOpen(waves, seed, now) && !isWaveOpen(waves, seed, now + later)).toBe(false);
        },
      ),
    );
  });
});
