import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../clock.ts';
import { Network, RESEND_MS } from './network.ts';

function begin() {
  const world = new VirtualClock();
  const network = new Network(world);
  const heard: string[] = [];
  const send = (from: string, to: string): void => {
    const held = network.pass({ from, to });
    if (held === undefined) heard.push(`${to} hears ${from}`);
    else
      held.then(
        () => heard.push(`${to} hears ${from} late`),
        () => heard.push(`${from} and ${to} have lost each other`),
      );
  };
  return { world, network, heard, send };
}

describe('the network', () => {
  it('is cut one way alone', () => {
    const { network, heard, send } = begin();
    network.cut({ from: 'agent-n1', to: 'apiserver' });
    send('agent-n1', 'apiserver-0');
    send('apiserver-0', 'agent-n1');
    send('agent-n2', 'apiserver-0');
    expect(heard).toEqual(['agent-n1 hears apiserver-0', 'apiserver-0 hears agent-n2']);
  });

  it('takes a name for all that begin with it up to a hyphen, and no others', () => {
    const { network, heard, send } = begin();
    network.cut({ from: 'agent-n1', to: 'apiserver' });
    send('agent-n10', 'apiserver-0');
    expect(heard).toHaveLength(1);
  });

  it.each([
    [RESEND_MS, 'kubernetes hears controller-0 late'],
    [RESEND_MS + 1, 'controller-0 and kubernetes have lost each other'],
  ])('that heals %s ms later: %s', async (afterMs, expected) => {
    const { world, network, heard, send } = begin();
    const heal = network.cut({ from: 'controller-0', to: 'kubernetes' });
    send('controller-0', 'kubernetes');
    await world.advance(afterMs);
    expect(heard).toEqual([]);
    heal();
    await world.settle();
    expect(heard).toEqual([expected]);
  });

  it('stays cut while another cut holds the same way', async () => {
    const { world, network, heard, send } = begin();
    const heal = network.cut({ from: 'controller', to: 'kubernetes' });
    const healOther = network.cut({ from: 'controller-0', to: 'kubernetes' });
    send('controller-0', 'kubernetes');
    heal();
    await world.settle();
    expect(heard).toEqual([]);
    healOther();
    await world.settle();
    expect(heard).toHaveLength(1);
  });
});
