/** What the host's API answers, and what the agent makes of it. */
import { Ajv } from 'ajv';
import * as fc from 'fast-check';
import { HostClient, rebootAnswer } from '../../../src/agent/bottlerocket/client.ts';
import { COMMAND_STATUSES, COMMAND_TYPES, UPDATE_STATES } from '../../../src/agent/bottlerocket/port.ts';
import type { HostReply } from '../../../src/agent/bottlerocket/transport.ts';
import { observe } from '../../../src/agent/observe.ts';
import { BottlerocketShadowKind } from '../../../src/api/definitions.ts';
import { StatusReport } from '../../../src/api/statusreport.ts';
import { objectSchema } from '../../../src/api/structural.ts';
import type { BottlerocketShadow } from '../../../src/api/v2/bottlerocketshadow.ts';
import { isDateTime } from '../../../src/api/validation/datetime.ts';
import { decideAgent } from '../../../src/protocol/agent.ts';
import { emptyMemory } from '../../../src/protocol/agent-view.ts';
import type { Clock } from '../../../src/runtime/clock.ts';
import { jsonTexts } from '../../support/draw/jsontext.ts';
import { fromSchema } from '../../support/draw/schema.ts';
import { instants, long, noise, versions } from '../../support/draw/texts.ts';
import { must, target } from '../target.ts';

const NOW = Date.UTC(2026, 5, 1);

/** Nothing is ever late. */
const clock: Clock = {
  now: () => NOW,
  monotonic: () => 0,
  sleep: (_, signal) =>
    new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    }),
};

const text = fc.oneof(
  { weight: 8, arbitrary: versions },
  { weight: 1, arbitrary: noise },
  { weight: 1, arbitrary: long },
);
const image = fc.record({
  arch: fc.oneof(fc.constant('x86_64'), text),
  version: text,
  variant: fc.oneof(fc.constant('aws-k8s-1.36'), text),
});
const partition = fc.record({ image, next_to_boot: fc.boolean() });
const command = fc.record({
  cmd_type: fc.constantFrom(...COMMAND_TYPES),
  cmd_status: fc.constantFrom(...COMMAND_STATUSES),
  timestamp: fc.oneof(instants, noise),
  exit_status: fc.option(fc.integer()),
  stderr: fc.oneof(fc.constantFrom('', 'Starting update to 1.44.0\n', 'No update required\n'), noise, long),
});
const status = fc.record({
  update_state: fc.constantFrom(...UPDATE_STATES),
  available_updates: fc.oneof(
    fc.array(text, { maxLength: 4 }),
    fc.array(versions, { minLength: 40, maxLength: 60 }),
  ),
  chosen_update: fc.option(image),
  active_partition: fc.option(partition),
  staging_partition: fc.option(partition),
  most_recent_command: fc.option(command),
});
const os = fc.record({ version_id: text, variant_id: text, arch: text, pretty_name: noise });
const settings = fc.record({ updates: fc.record({ 'version-lock': text, 'ignore-waves': fc.boolean() }) });

const STATUSES = [200, 200, 200, 200, 200, 204, 301, 400, 404, 409, 423, 500, 503, 0, 999];
const reply = (bodies: fc.Arbitrary<string>): fc.Arbitrary<HostReply> =>
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('response' as const),
        status: fc.constantFrom(...STATUSES),
        body: bodies,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('error' as const),
        code: fc.constantFrom('ENOENT', 'ECONNRESET', 'TIMEOUT', ''),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('garbage' as const), text: fc.oneof(noise, long) }),
    },
  );

const replies = fc.record({
  os: reply(jsonTexts(os)),
  status: reply(jsonTexts(status)),
  settings: reply(jsonTexts(settings)),
  keys: reply(jsonTexts(fc.array(noise, { maxLength: 3 }))),
});
/** Mostly readable, so that decisions are reached. */
const answers = fc.record({
  os: reply(os.map((value) => JSON.stringify(value))),
  status: reply(status.map((value) => JSON.stringify(value))),
  settings: reply(settings.map((value) => JSON.stringify(value))),
});

const hostOf = (all: {
  os: HostReply;
  status: HostReply;
  settings: HostReply;
  keys?: HostReply;
}): HostClient =>
  new HostClient({
    clock,
    transport: async ({ method, path }) => {
      if (path === '/os') return all.os;
      if (path === '/updates/status') return all.status;
      if (method === 'GET') return all.settings;
      return all.keys ?? { kind: 'response', status: 204, body: '' };
    },
  });

const MAX_TEXT = 500;
const KINDS = [
  'ok',
  'locked',
  'notAllowed',
  'notFound',
  'failed',
  'unreachable',
  'strange',
  'accepted',
  'refused',
  'notDelivered',
];

function checkAnswer(answer: { kind: string; text?: string }): void {
  must(KINDS.includes(answer.kind), 'an answer is of a known kind', answer);
  must((answer.text ?? '').length <= MAX_TEXT, 'a text of the host is cut', answer);
}

export const hostAnswers = target({
  name: 'answers of the host, each by itself',
  share: 14_000,
  inputs: replies,
  check: async (all) => {
    const host = hostOf(all);
    const given = [
      await host.os(),
      await host.updateStatus(),
      await host.settings(),
      await host.command('refresh'),
      await host.setSettings({ versionLock: '1.44.0' }, 'tx'),
      rebootAnswer(all.keys),
    ];
    given.forEach(checkAnswer);
  },
});

const ajv = new Ajv({ allErrors: true, strict: false });
ajv.addFormat('date-time', isDateTime);
const isReport = ajv.compile(StatusReport);

const shadow = fromSchema(objectSchema(BottlerocketShadowKind), { wrongPercent: 0 }).map((content) => ({
  ...(content as { spec: BottlerocketShadow['spec'] }),
  metadata: { name: 'brs-n', namespace: 'n', uid: 'u', generation: 3, resourceVersion: '7' },
}));

export const hostDecisions = target({
  name: 'answers of the host, and what the agent decides by them',
  share: 10_000,
  inputs: fc.record({ all: answers, shadow, checkDue: fc.boolean(), tries: fc.nat(6) }),
  check: async ({ all, shadow: given, checkDue, tries }) => {
    const seen = await observe(hostOf(all), { bootId: async () => 'boot-1' });
    if (seen.kind !== 'seen') return;
    const memory = { ...emptyMemory(given.spec?.attempt ?? 0), tries };
    const { action } = decideAgent({
      now: NOW,
      monotonicMs: 0,
      shadow: given,
      host: seen.host,
      memory,
      checkDue,
    });
    must(
      ['report', 'command', 'settings', 'reboot', 'wait'].includes(action.do),
      'an action is known',
      action,
    );
    if (action.do !== 'report') return;
    const report = { uid: 'u', generation: 3, seq: 1, ...action.draft };
    must(isReport(report), 'a report can be read by the API server', { errors: isReport.errors, report });
  },
});
