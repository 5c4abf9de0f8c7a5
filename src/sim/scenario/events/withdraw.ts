/** A release is taken back. */
import { pick } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';
import { HARDWARE } from '../scenario.ts';

export interface Withdraw extends EventBase {
  type: 'withdraw';
  version: string;
  /** Hosts that run it already are offered the way back. */
  isDowngraded: boolean;
}

export const withdraw: EventKind<Withdraw> = {
  type: 'withdraw',
  weight: 2,
  draw: (random, { releases }) => ({
    version: pick(random, ['1.45.0', '1.46.0', ...releases.slice(1)]),
    isDowngraded: random() < 0.5,
  }),
  apply: ({ version, isDowngraded }, { repository }) => {
    repository.remove(version);
    if (!isDowngraded) return;
    for (const of of HARDWARE) {
      const left = repository.manifest.filter(
        ({ arch, variant }) => arch === of.arch && variant === of.variant,
      );
      const newest = left.at(-1)?.version;
      if (newest !== undefined) repository.setMaxVersion(of, newest);
    }
  },
  tell: ({ version, isDowngraded }) =>
    `${version} is withdrawn${isDowngraded ? ', and hosts that run it are offered the way back' : ''}`,
};
