/** Builders and verbs for tests around simulated hosts. */
import { VirtualClock } from '../clock.ts';
import { seededRandom } from '../random.ts';
import { SimulatedHost } from './host.ts';
import type { HttpAnswer } from './routes.ts';
import type { UpdatesSettings } from './settings.ts';
import type { StatusFile } from './status.ts';
import { UpdateRepository } from './versions.ts';
import type { Waves } from './waves.ts';

export const VARIANT = 'aws-k8s-1.30';
export const ARCH = 'x86_64';

export interface HostBed {
  clock: VirtualClock;
  repository: UpdateRepository;
  host: SimulatedHost;
  /** Sends a request; a connection that is cut answers status 0. */
  send: (line: string, body?: unknown) => HttpAnswer;
  /** Sends a command and lets it end. @returns the status code of the command. */
  run: (command: 'refresh' | 'prepare' | 'activate' | 'deactivate') => Promise<number>;
  /** What GET /updates/status says. */
  status: () => StatusFile;
  /** Commits settings and lets them be rendered. */
  set: (updates: UpdatesSettings) => Promise<void>;
  /** Lets a reboot come to its end. */
  rebooted: () => Promise<void>;
}

export interface HostBedOptions {
  running?: string;
  releases?: readonly string[];
  waves?: Waves;
  updates?: UpdatesSettings;
  seed?: number;
}

/** Longer than any command without faults. */
const COMMAND_MS = 120_000;

/** A host with a repository of a few releases, on a clock of its own. */
export function hostBed(options: HostBedOptions = {}): HostBed {
  const { running = '1.25.0', releases = ['1.24.1', '1.25.0', '1.26.1'], waves = {} } = options;
  const clock = new VirtualClock();
  const repository = new UpdateRepository();
  for (const version of releases) repository.publish({ arch: ARCH, variant: VARIANT, version, waves });
  const host = new SimulatedHost({
    clock,
    random: seededRandom(options.seed ?? 1),
    image: { arch: ARCH, variant: VARIANT, version: running },
    repository,
    ...(options.updates ? { updates: options.updates } : {}),
  });
  const send: HostBed['send'] = (line, body) => {
    const [method = '', path = ''] = line.split(' ');
    const payload = body === undefined ? {} : { body: JSON.stringify(body), contentType: 'application/json' };
    const result = host.request({ method, path, ...payload });
    return result.kind === 'cut' ? { status: 0, body: '' } : result.answer;
  };
  return {
    clock,
    repository,
    host,
    send,
    run: async (command) => {
      const { status } = send(
        `POST /actions/${command === 'refresh' ? 'refresh-updates' : `${command}-update`}`,
      );
      await clock.advance(COMMAND_MS);
      return status;
    },
    status: () => JSON.parse(send('GET /updates/status').body) as StatusFile,
    set: async (updates) => {
      send('PATCH /settings?tx=t', { updates });
      send('POST /tx/commit_and_apply?tx=t');
      await clock.advance(1_000);
    },
    rebooted: async () => {
      const { bootId } = host;
      await clock.runUntil(() => host.power === 'on' && host.bootId !== bootId, 600_000);
    },
  };
}
