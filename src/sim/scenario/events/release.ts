/** A release is published, to everybody at once or in waves. */
import { rfc3339 } from '../../../runtime/clock.ts';
import { pick, randomInt } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import { HARDWARE } from '../scenario.ts';
import { tellMs } from './targets.ts';

export interface Release extends EventBase {
  type: 'release';
  version: string;
  /** Of HARDWARE, by number; absent = for all. */
  hardware?: number;
  /** How long its waves take; 0 = none. */
  wavesMs: number;
}

const HOUR = 3_600_000;
/** Hosts up to these seeds, of 2048, have it after these parts of the time. */
const WAVES: readonly [seed: number, part: number][] = [
  [20, 0.1],
  [512, 0.5],
  [1024, 0.8],
  [2048, 1],
];

export const release: EventKind<Release> = {
  type: 'release',
  weight: 4,
  draw: (random) => ({
    version: pick(random, ['1.45.0', '1.45.0', '1.46.0', '1.46.1', '2.0.0', '1.45.0-rc.1']),
    ...(random() < 0.2 && { hardware: randomInt(random, HARDWARE.length) }),
    wavesMs: pick(random, [0, 0, 0, 600_000, HOUR, 3 * HOUR]),
  }),
  apply: ({ version, hardware, wavesMs }, { repository, clock }) => {
    const now = clock.now();
    const waves = Object.fromEntries(
      WAVES.map(([seed, part]) => [String(seed), rfc3339(now + part * wavesMs)]),
    );
    for (const [index, each] of HARDWARE.entries()) {
      if (hardware !== undefined && hardware !== index) continue;
      repository.publish({ ...each, version, waves: wavesMs === 0 ? {} : waves });
    }
  },
  tell: ({ version, hardware, wavesMs }) =>
    `${version} is published${hardware === undefined ? '' : ` for ${Object.values(HARDWARE[hardware] ?? {}).join(' ')}`}` +
    (wavesMs === 0 ? '' : ` in waves over ${tellMs(wavesMs)}`),
};
