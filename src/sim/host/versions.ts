/** Which releases a host is offered and which of them it chooses: the rules of updog and thar-be-updates. */
import { compare, gt, lt, lte } from 'semver';
import { isWaveOpen } from './waves.ts';
import type { Waves } from './waves.ts';

/** A Bottlerocket image; the keys in the order of the host's JSON. */
export interface Image {
  arch: string;
  /** Without "v". */
  version: string;
  variant: string;
}

/** One entry of the TUF manifest. */
export interface Release extends Image {
  /** Hosts beyond it are taken back to what is offered; entries beyond it are not offered. */
  maxVersion: string;
  /** Start seed to RFC 3339 time; empty = everybody at once. */
  waves: Waves;
}

/** What the updater reads from its configuration files. */
export interface SelectionSettings {
  /** `latest` or a version, with or without "v". */
  versionLock: string;
  ignoreWaves: boolean;
  seed: number;
}

const LOCK = /^v?(\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?)$/;

/** True for what the host takes as `version-lock`: `latest`, or a full version with at most one "v". */
export const isVersionLock = (text: string): boolean => text === 'latest' || LOCK.test(text);

/** The releases a host is offered, newest first: the running and older ones too. */
export function offered(
  manifest: readonly Release[],
  host: Image,
  settings: Pick<SelectionSettings, 'ignoreWaves' | 'seed'> & { now: number },
): Release[] {
  return manifest
    .filter((release) => release.variant === host.variant && release.arch === host.arch)
    .filter((release) => lte(release.version, release.maxVersion))
    .filter((release) => settings.ignoreWaves || isWaveOpen(release.waves, settings.seed, settings.now))
    .toSorted((a, b) => compare(b.version, a.version));
}

/** The release to go to, or undefined when there is nothing to do. Downgrades are chosen like any other. */
export function choose(list: readonly Release[], running: string, versionLock: string): Release | undefined {
  if (versionLock === 'latest')
    return list.find((release) => lt(running, release.version) || gt(running, release.maxVersion));
  const wanted = versionLock.replace(/^v/, '');
  return wanted === running ? undefined : list.find((release) => release.version === wanted);
}

/** The TUF repository that all hosts of a world share. */
export class UpdateRepository {
  #releases: Release[] = [];

  /** The manifest, in order of publication. */
  get manifest(): readonly Release[] {
    return this.#releases;
  }

  /**
   * Adds a release, or replaces the one of the same version, variant and arch. As the real tool does, the newest
   * version becomes the `maxVersion` of every entry of its variant and arch unless one is given.
   */
  publish(release: Image & { maxVersion?: string; waves?: Waves }): void {
    const { arch, version, variant, waves = {} } = release;
    const others = this.#releases.filter(
      (other) => other.version !== version || other.variant !== variant || other.arch !== arch,
    );
    const same = others.filter((other) => other.variant === variant && other.arch === arch);
    const newest = [version, ...same.map((other) => other.version)].toSorted(compare).at(-1) ?? version;
    this.#releases = [...others, { arch, version, variant, maxVersion: newest, waves }];
    this.setMaxVersion({ arch, variant }, release.maxVersion ?? newest);
  }

  /** Hosts of this variant and arch that run something newer are offered a downgrade: a release was withdrawn. */
  setMaxVersion(of: Pick<Image, 'arch' | 'variant'>, maxVersion: string): void {
    this.#releases = this.#releases.map((release) =>
      release.variant === of.variant && release.arch === of.arch ? { ...release, maxVersion } : release,
    );
  }

  /** Removes a version for every variant and arch. */
  remove(version: string): void {
    this.#releases = this.#releases.filter((release) => release.version !== version);
  }
}
