import { expect, it } from 'vitest';
import type { FaultName, FaultSpec } from '../sim/host/faults.ts';
import { pick, randomInt, seededRandom } from '../sim/random.ts';
import type { SeededRandom } from '../sim/random.ts';
import { AgentBed } from './testbed.ts';
import type { PutFault } from './testbed.ts';

const TARGET = '1.26.1';
const SPAN_MS = 400_000;

const FAULTS: readonly FaultName[] = [
  'tufDown',
  'tufBlackHole',
  'slowDownload',
  'hungDownload',
  'writeError',
  'updogKilled',
  'updogMissing',
  'childCrash',
  'silentFailure',
  'badManifestJson',
  'badDispatcherToml',
  'corruptStatus',
  'strangeStatus',
  'tbuMissing',
  'gptUnreadable',
  'noLockDirectory',
  'otherClientHoldsLock',
  'settingsRenderDelay',
  'settingsRenderNever',
  'settingsRefused',
  'commitLost',
  'blockInhibitor',
  'delayInhibitor',
  'rebootIgnored',
  'rebootReply',
  'bootPanics',
  'bootHangs',
  'doubleReboot',
  'apiDown',
  'workerBlocked',
  'answerLost',
];
const PUT_FAULTS: readonly PutFault[] = [
  'lost',
  'dropped',
  'Conflict',
  'StaleSeq',
  'OutcomeUnknown',
  'Internal',
];

function specOf(random: SeededRandom): FaultSpec {
  const many = random() < 0.5 ? { times: 1 + randomInt(random, 3) } : { forMs: randomInt(random, 300_000) };
  const reply = pick(random, ['204', 'exitCode15', 'reset'] as const);
  return { ...many, ms: randomInt(random, 60_000), reply, ...(random() < 0.5 ? { version: TARGET } : {}) };
}

/** Plans everything that will go wrong. */
function plan(agent: AgentBed, random: SeededRandom): string[] {
  const { host } = agent.bed;
  const told: string[] = [];
  const later = (what: string, happen: () => void): void => {
    const atMs = randomInt(random, SPAN_MS);
    told.push(`${atMs}: ${what}`);
    agent.clock.after(atMs, happen);
  };
  for (let n = randomInt(random, 5); n >= 0; n -= 1) {
    const [name, spec] = [pick(random, FAULTS), specOf(random)];
    later(`${name} ${JSON.stringify(spec)}`, () => host.fault(name, spec));
  }
  for (let n = randomInt(random, 4); n > 0; n -= 1) later('agent dies', () => host.apiUp && agent.start());
  for (let n = randomInt(random, 3); n > 0; n -= 1) later('stream cut', () => agent.server.send('cut'));
  for (let n = randomInt(random, 4); n > 0; n -= 1)
    agent.server.putFaults.set(1 + randomInt(random, 14), pick(random, PUT_FAULTS));
  if (random() < 0.3) later('API restarted', () => host.restartApi());
  if (random() < 0.3) later('power cut', () => host.powerCycle());
  if (random() < 0.3) {
    const command = pick(random, ['refresh', 'prepare', 'activate', 'deactivate'] as const);
    later(`somebody: ${command}`, () => host.apiUp && host.otherClient(command));
  }
  if (random() < 0.3) {
    later('API server down', () => {
      agent.server.isDown = true;
      agent.server.send('cut');
    });
    later('API server up', () => (agent.server.isDown = false));
  }
  return told;
}

/** What must hold whenever the host is asked for something. */
function watchRequests(agent: AgentBed): string[] {
  const wrong: string[] = [];
  const { host } = agent.bed;
  const check = (holds: boolean, what: string): void => void (holds || wrong.push(what));
  agent.onPost = () => {
    const { spec, status } = agent.server.shadow ?? {};
    const intent = status?.host?.rebootIntent;
    check(spec?.state === 'RebootedIntoUpdate', `reboot asked for in ${spec?.state}`);
    check(intent?.bootId === host.bootId, 'reboot without an intent of this boot');
    check(agent.clock.now() - Date.parse(intent?.at ?? '') <= 60_000, 'reboot long after its intent');
  };
  agent.onRequest = () => {
    if (agent.requests.at(-1) !== 'POST /actions/activate-update') return;
    const staged = agent.server.shadow?.status?.host?.staged;
    check(staged?.version === TARGET && staged.bootId === host.bootId, 'activated what is not recorded');
  };
  return wrong;
}

/** A whole story: an update under faults, then the end of all faults, then the order to be idle. */
async function story(seed: number): Promise<void> {
  const random = seededRandom(seed);
  const agent = new AgentBed({ seed });
  await agent.until(() => agent.isSettled);
  const told = plan(agent, random);
  const wrong = watchRequests(agent);
  const end = await agent.update(TARGET);
  await agent.clock.advance(SPAN_MS);
  agent.server.isDown = false;
  agent.bed.host.clearFault();
  if (agent.bed.host.power === 'hung') agent.bed.host.powerCycle();
  await agent.clock.advance(900_000);
  const { current_state } = agent.server.shadow?.status ?? {};
  agent.server.ask({ state: 'Idle', version: null });
  const isSettled = await agent.until(() => agent.isSettled, 7_200_000);
  const { image } = agent.bed.host;
  const seen = {
    wrong,
    isSettled,
    lock: agent.bed.host.dump().settings.updates?.['version-lock'],
    // Whoever got to the end runs the target, and nobody reports another version than the one that runs.
    version: end === 'Updated' ? image.version : TARGET,
    reported: agent.server.shadow?.status?.current_version,
  };
  const expected = { wrong: [], isSettled: true, lock: 'latest', version: TARGET, reported: image.version };
  expect({ seed, told, end, current_state, ...seen }).toEqual({
    seed,
    told,
    end,
    current_state,
    ...expected,
  });
}

const SEEDS = Array.from({ length: 25 }, (_, i) => i + 1);

it.each(SEEDS)(
  'whatever goes wrong, nothing is done without leave and nothing is left behind: seed %i',
  story,
);
