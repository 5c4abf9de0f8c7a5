/** The words of `machine N host …` as a request to its simulated host. */
import type { ControlRequest } from '../../../src/sim/host/control.ts';
import { Failure } from './failure.ts';

export const HOST_HELP = `What the simulated host is asked for:
  dump | faults | reboot | powerCycle | restartApi | rollback
  fault NAME [SPEC as JSON]      clear [NAME]      remove VERSION
  any other request as JSON, such as '{"do":"publish","release":{…}}'`;

const json = (text: string): object => {
  try {
    return JSON.parse(text) as object;
  } catch {
    throw new Failure(`This is no JSON: ${text}`, 2);
  }
};

const simple = (word: 'dump' | 'faults' | 'reboot' | 'powerCycle' | 'restartApi' | 'rollback') => [
  word,
  (): ControlRequest => ({ do: word }),
];

type Words = readonly (string | undefined)[];

const REQUESTS = Object.fromEntries([
  simple('dump'),
  simple('faults'),
  simple('reboot'),
  simple('powerCycle'),
  simple('restartApi'),
  simple('rollback'),
  ['fault', ([name, spec]: Words) => name && { do: 'fault', name, ...(spec && { spec: json(spec) }) }],
  ['clear', ([name]: Words) => ({ do: 'clear', ...(name && { name }) })],
  ['remove', ([version]: Words) => version && { do: 'remove', version }],
]) as Readonly<Record<string, (words: Words) => ControlRequest | undefined>>;

/** @throws Failure when the words are none that are known */
export function hostRequest([what = '', ...words]: readonly string[]): ControlRequest {
  if (what.startsWith('{')) return json(what) as ControlRequest;
  const request = Object.hasOwn(REQUESTS, what) ? REQUESTS[what]?.(words) : undefined;
  if (request === undefined) throw new Failure(HOST_HELP, 2);
  return request;
}
