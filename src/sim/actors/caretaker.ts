/**
 * Whoever looks after a cluster once nothing goes wrong any more: switches on what is off, helps what hangs, has kubelets
 * register what is not registered, disarms what nobody of ours has armed, and resumes what is halted.
 */
import { Nodes } from '../../api/core.ts';
import { NAMESPACE, RESUME_ANNOTATION, shadowName } from '../../api/names.ts';
import { UpdatePolicies } from '../../api/v1/updatepolicy.ts';
import { BottlerocketShadows } from '../../api/v2/bottlerocketshadow.ts';
import { isHalted } from '../../protocol/ledger.ts';
import { rfc3339 } from '../../runtime/clock.ts';
import { Actor } from './actor.ts';
import type { Ground } from './actor.ts';

/** A machine, as far as somebody looks after it. */
export interface Patient {
  readonly name: string;
  readonly host: { readonly power: string; otherClient(command: 'deactivate'): unknown };
  interrupt(how: 'on' | 'powerCycle' | 'reset'): void;
}

const ROUND_MS = 600_000;

/** Goes on its rounds from now on, as long as the world goes on. */
export function takeCare(ground: Ground & { readonly machines: readonly Patient[] }): void {
  const actor = new Actor('caretaker', ground);
  const { clock, cluster } = ground;
  const round = (): void => {
    for (const machine of ground.machines) help(ground, machine);
    for (const { metadata, status } of cluster.peekAll(UpdatePolicies)) {
      const resume = metadata.annotations?.[RESUME_ANNOTATION];
      if (!isHalted(status?.halt, resume, clock.now())) continue;
      const of = { resource: UpdatePolicies, key: { name: metadata.name } };
      void actor.annotateObject(of, RESUME_ANNOTATION, rfc3339(clock.now()));
    }
    clock.after(ROUND_MS, round);
  };
  round();
}

function help({ cluster }: Ground, machine: Patient): void {
  const { name, host } = machine;
  if (host.power === 'off') machine.interrupt('on');
  if (host.power === 'hung') machine.interrupt('powerCycle');
  if (host.power === 'on' && cluster.peek(Nodes, { name }) === undefined) machine.interrupt('reset');
  const shadow = cluster.peek(BottlerocketShadows, { name: shadowName(name), namespace: NAMESPACE });
  // A machine that was armed under an earlier shadow waits until somebody disarms it.
  if (shadow?.status?.update?.reason === 'ArmedByOthers') host.otherClient('deactivate');
}
