/** The control channel of a simulated host that is a process: one JSON value a line, both ways, on a unix socket. */
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { FAULTS, isFaultName } from './faults.ts';
import type { FaultSpec } from './faults.ts';
import type { HostDump, SimulatedHost } from './host.ts';
import type { PowerEvent } from './power.ts';
import type { Command } from './status.ts';
import type { Image, UpdateRepository } from './versions.ts';
import type { Waves } from './waves.ts';

/** What can be asked for. */
export type ControlRequest =
  | { do: 'fault'; name: string; spec?: FaultSpec }
  /** Without a name: all. */
  | { do: 'clear'; name?: string }
  | { do: 'publish'; release: Image & { maxVersion?: string; waves?: Waves } }
  | { do: 'maxVersion'; arch: string; variant: string; version: string }
  | { do: 'remove'; version: string }
  /** Power events follow on this connection, the present state first. */
  | { do: 'watch' }
  | { do: 'reboot' | 'powerCycle' | 'powerOff' | 'powerOn' | 'restartApi' | 'rollback' | 'dump' | 'faults' }
  | { do: 'otherClient'; command: Command };

/** What comes back: one reply a request, and events after `watch`. */
export type ControlLine =
  | { reply: 'ok'; value?: unknown }
  | { reply: 'error'; message: string }
  | { event: PowerEvent }
  | { state: HostDump };

export interface ControlOptions {
  host: SimulatedHost;
  repository: UpdateRepository;
  controlPath: string;
}

/** A request that cannot be carried out; its message goes back. */
class ControlError extends Error {
  override readonly name = 'ControlError';
  readonly code = 'control';
}

type Handler = (
  options: Omit<ControlOptions, 'controlPath'>,
  request: Readonly<Record<string, unknown>>,
) => unknown;

const faultName = ({ name }: Readonly<Record<string, unknown>>) => {
  if (typeof name !== 'string' || !isFaultName(name))
    throw new ControlError(`no fault is called ${JSON.stringify(name)}`);
  return name;
};

const HANDLERS: Readonly<Record<Exclude<ControlRequest['do'], 'watch'>, Handler>> = {
  fault: ({ host }, request) => host.fault(faultName(request), request['spec'] ?? {}),
  clear: ({ host }, request) =>
    request['name'] === undefined ? host.clearFault() : host.clearFault(faultName(request)),
  publish: ({ repository }, request) =>
    repository.publish(request['release'] as Parameters<UpdateRepository['publish']>[0]),
  maxVersion: ({ repository }, request) =>
    repository.setMaxVersion(request as unknown as Image, request['version'] as string),
  remove: ({ repository }, request) => repository.remove(request['version'] as string),
  reboot: ({ host }) => host.shutDown(),
  powerCycle: ({ host }) => host.powerCycle(),
  powerOff: ({ host }) => host.powerOff(),
  powerOn: ({ host }) => host.powerOn(),
  restartApi: ({ host }) => host.restartApi(),
  rollback: ({ host }) => host.rollbackFromShell(),
  otherClient: ({ host }, request) => host.otherClient(request['command'] as Command),
  dump: ({ host }) => host.dump(),
  faults: () => FAULTS,
};

/**
 * Carries out one request, for those who hold the host themselves.
 * @returns its value @throws Error saying what was wrong with the request; `watch` is none that can be carried out
 */
export function controlHost(
  options: Omit<ControlOptions, 'controlPath'>,
  request: Readonly<Record<string, unknown>>,
): unknown {
  const name = request['do'];
  if (typeof name !== 'string' || !Object.hasOwn(HANDLERS, name))
    throw new ControlError(`nothing is called ${JSON.stringify(name)}`);
  return HANDLERS[name as keyof typeof HANDLERS](options, request);
}

/** Carries out one line. @returns what to answer, or `watch` when events are wanted. */
function carryOut(options: ControlOptions, line: string): ControlLine | 'watch' {
  try {
    const request = JSON.parse(line) as Record<string, unknown>;
    if (request['do'] === 'watch') return 'watch';
    const value = controlHost(options, request);
    return value === undefined ? { reply: 'ok' } : { reply: 'ok', value };
  } catch (error) {
    // Whatever a tester sent, the host lives on and says what was wrong.
    return { reply: 'error', message: (error as Error).message };
  }
}

function serve(options: ControlOptions, socket: Socket): void {
  const { host } = options;
  const write = (line: ControlLine): void => {
    if (socket.writable) socket.write(`${JSON.stringify(line)}\n`);
  };
  let stopWatching: (() => void) | undefined;
  socket.on('error', () => socket.destroy());
  socket.on('close', () => stopWatching?.());
  createInterface({ input: socket }).on('line', (line) => {
    const answer = carryOut(options, line);
    if (answer === 'watch') {
      stopWatching ??= host.onPower((event) => write({ event }));
      write({ state: host.dump() });
    } else write(answer);
  });
}

/** Serves until the signal aborts. @returns when the socket is there. */
export async function serveControl(options: ControlOptions, signal: AbortSignal): Promise<void> {
  await rm(options.controlPath, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(options, socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.controlPath, resolve);
  });
  signal.addEventListener('abort', () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
}
