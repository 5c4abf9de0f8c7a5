/** What a process reads when it starts: options, kubeconfig, certificates. */
import * as fc from 'fast-check';
import { KubeConfig } from '@kubernetes/client-node';
import { AGENT_OPTIONS } from '../../../src/agent/main.ts';
import type { ConfigMap, Secret } from '../../../src/api/core.ts';
import { CA_BUNDLE_KEY } from '../../../src/api/names.ts';
import {
  CA_KEYS,
  parseAuthorities,
  parseBundle,
  parseServing,
  PUBLISHED_ANNOTATION,
  TLS_KEYS,
} from '../../../src/controllers/certificates/parse.ts';
import {
  ConfigError,
  durationMs,
  durationText,
  flag,
  integer,
  list,
  oneOf,
  readConfig,
  text,
} from '../../../src/runtime/config.ts';
import { createKubernetesClient } from '../../../src/runtime/client/client.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { KubernetesError } from '../../../src/runtime/kubernetes.ts';
import { Nodes } from '../../../src/api/core.ts';
import { generateKey, signAuthority } from '../../../src/runtime/x509/certificate.ts';
import { jsonTexts } from '../../support/draw/jsontext.ts';
import { durations, instants, long, nearly, noise } from '../../support/draw/texts.ts';
import { attempt, must, target } from '../target.ts';

const OPTIONS = {
  name: text({ flag: 'name', doc: 'A text', default: '' }),
  names: list({ flag: 'names', doc: 'Texts', default: [] }),
  level: oneOf({ flag: 'level', doc: 'A level', values: ['a', 'b'], default: 'a' }),
  on: flag({ flag: 'on', doc: 'A switch', default: false }),
  count: integer({ flag: 'count', doc: 'A number', default: 1, min: 0, max: 9 }),
  time: durationMs({ flag: 'time', doc: 'A time', default: 1_000 }),
  ...AGENT_OPTIONS,
};
const value = fc.oneof(nearly(durations), noise, fc.constantFrom('a', 'true', '5', '-5', '', '0x5', '1e3'));
const flagName = fc.constantFrom(
  '--name',
  '--level',
  '--on',
  '--no-on',
  '--count',
  '--time',
  '--names',
  '--',
  '-x',
  '--__proto__',
  '--api-server-url',
);
const argument = fc.oneof(
  flagName,
  fc.tuple(flagName, value).map((parts) => parts.join('=')),
  value,
);

export const options = target({
  name: 'options and variables',
  share: 6_000,
  inputs: fc.record({
    argv: fc.array(argument, { maxLength: 5 }),
    env: fc.dictionary(
      fc.constantFrom('NAME', 'LEVEL', 'ON', 'COUNT', 'TIME', 'NODE_NAME', 'API_SERVER_URL'),
      value,
      { maxKeys: 4 },
    ),
  }),
  check: ({ argv, env }) => {
    const config = attempt(
      () => readConfig(OPTIONS, { argv, env }),
      (error) => error instanceof ConfigError,
    );
    if (config === undefined) return;
    const { time, count, on } = config;
    must(
      Number.isSafeInteger(time) && durationMs({ flag: 'x', doc: '' }).parse(durationText(time)) === time,
      'a time is written as it is read',
      { time },
    );
    must(
      Number.isInteger(count) && count >= 0 && count <= 9 && typeof on === 'boolean',
      'values are of their types',
      { count },
    );
  },
});

const kubeconfig = fc.record({
  apiVersion: fc.constant('v1'),
  kind: fc.constant('Config'),
  clusters: fc.array(
    fc.record({
      name: fc.constant('c'),
      cluster: fc.record(
        { server: fc.oneof(fc.constant('https://127.0.0.1:1'), noise), 'certificate-authority-data': noise },
        { requiredKeys: ['server'] },
      ),
    }),
    { maxLength: 2 },
  ),
  users: fc.array(
    fc.record({
      name: fc.constant('u'),
      user: fc.record({ token: noise, 'client-certificate-data': noise }, { requiredKeys: [] }),
    }),
    { maxLength: 2 },
  ),
  contexts: fc.array(
    fc.record({
      name: fc.constant('x'),
      context: fc.record({ cluster: fc.constantFrom('c', 'd'), user: fc.constantFrom('u', 'v') }),
    }),
    { maxLength: 2 },
  ),
  'current-context': fc.constantFrom('x', 'y', ''),
});

export const kubeconfigs = target({
  name: 'kubeconfig files',
  share: 1_500,
  inputs: jsonTexts(kubeconfig),
  check: async (content) => {
    const config = new KubeConfig();
    // What cannot be loaded ends the process at its start, with the words of the library.
    if (
      attempt(
        () => (config.loadFromString(content), true),
        (error) => error instanceof Error,
      ) === undefined
    )
      return;
    const client = createKubernetesClient({ kubeConfig: config, clock: systemClock, limits: { getMs: 200 } });
    try {
      await client.get(Nodes, { name: 'n' });
      throw new Error('There is no such API server');
    } catch (error) {
      must(
        error instanceof KubernetesError && error.code === 'unknown',
        'a call says that there was no answer',
        { error: String(error), content },
      );
    } finally {
      client.close();
    }
  },
});

const key = generateKey();
const certificate = signAuthority({
  commonName: 'ca',
  key,
  notBeforeMs: Date.UTC(2026, 0, 1),
  notAfterMs: Date.UTC(2027, 0, 1),
  serial: Buffer.from([1, 2, 3, 4, 5, 6, 7, 8]),
});
const pem = nearly(
  fc.constantFrom(
    certificate,
    key,
    `${certificate}${certificate}`,
    '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n',
  ),
);
const data = fc.oneof(
  { weight: 5, arbitrary: pem.map((each) => Buffer.from(each).toString('base64')) },
  { weight: 1, arbitrary: fc.oneof(noise, long) },
);

export const certificates = target({
  name: 'Secrets and ConfigMaps with certificates',
  share: 3_000,
  inputs: fc.record({
    secret: fc.dictionary(
      fc.constantFrom(
        CA_KEYS.signer.cert,
        CA_KEYS.signer.key,
        CA_KEYS.previous,
        CA_KEYS.previousUntil,
        TLS_KEYS.cert,
        TLS_KEYS.key,
      ),
      data,
      { maxKeys: 4 },
    ),
    bundle: pem,
    published: jsonTexts(fc.dictionary(noise, instants, { maxKeys: 2 })),
  }),
  check: ({ secret, bundle, published }) => {
    const given: Secret = { metadata: { name: 's' }, data: secret };
    const { signer } = parseAuthorities(given);
    must(
      signer.is !== 'usable' || signer.value.certificate.commonName === 'ca',
      'only what we know is usable',
      { signer },
    );
    must(parseServing(given).is !== 'usable' || secret[TLS_KEYS.key] !== undefined, 'a pair has a key');
    const map: ConfigMap = {
      metadata: { name: 'c', annotations: { [PUBLISHED_ANNOTATION]: published } },
      data: { [CA_BUNDLE_KEY]: bundle },
    };
    must(parseBundle(map).entries.length <= 2, 'a bundle has what is in it');
  },
});
