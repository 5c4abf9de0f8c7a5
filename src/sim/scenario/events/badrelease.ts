/** A release does not boot on some machines. Either it is mended, or those machines are excluded at the calm. */
import { EXCLUDE_ANNOTATION } from '../../../api/names.ts';
import { Actor } from '../../actors/actor.ts';
import { pick } from '../../random.ts';
import type { EventBase, EventKind } from '../eventkind.ts';

export interface BadRelease extends EventBase {
  type: 'badRelease';
  version: string;
  nodes: string[];
  how: 'bootPanics' | 'bootHangs';
  isMended: boolean;
}

export const badRelease: EventKind<BadRelease> = {
  type: 'badRelease',
  weight: 2,
  draw: (random, { nodes, releases }) => {
    const share = pick(random, [0.2, 0.5, 1]);
    const some = nodes.filter(() => random() < share);
    return {
      version: releases.at(-1) ?? '',
      nodes: some.length === 0 ? [pick(random, nodes)] : some,
      how: pick(random, ['bootPanics', 'bootPanics', 'bootHangs'] as const),
      isMended: random() < 0.6,
    };
  },
  apply: ({ version, nodes, how, isMended }, stage) => {
    const admin = new Actor('admin', stage);
    for (const { name, host } of stage.machines) {
      if (!nodes.includes(name)) continue;
      host.fault(how, { version });
      stage.onCalm(() => {
        const { running, slots } = host.dump();
        // What it has booted before it can only be helped to boot again.
        if (isMended || slots[running].image?.version === version) host.clearFault(how);
        else void admin.annotate(name, EXCLUDE_ANNOTATION, 'true');
      });
    }
  },
  tell: ({ version, nodes, how, isMended }) =>
    `${version} ${how === 'bootPanics' ? 'panics' : 'hangs'} on ${nodes.join(', ')}${isMended ? ' until the calm' : ''}`,
};
