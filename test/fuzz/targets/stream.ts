/** What servers send to our processes: lines of the agents' stream, answers of kube-apiserver. */
import * as fc from 'fast-check';
import { ChannelError } from '../../../src/agent/ports.ts';
import { linesOf } from '../../../src/agent/ndjson.ts';
import { ShadowCache } from '../../../src/agent/shadowcache.ts';
import { readAccepted, readLine, readProblem, readShadow } from '../../../src/agent/wireformat.ts';
import { BottlerocketShadowKind } from '../../../src/api/definitions.ts';
import { objectSchema } from '../../../src/api/structural.ts';
import { answerError, eventError } from '../../../src/runtime/client/status.ts';
import { lines } from '../../../src/runtime/client/lines.ts';
import { jsonTexts } from '../../support/draw/jsontext.ts';
import { fromSchema } from '../../support/draw/schema.ts';
import { noise } from '../../support/draw/texts.ts';
import { must, target } from '../target.ts';

const LIMIT_BYTES = 400;

const shadow = fc
  .tuple(
    fromSchema(objectSchema(BottlerocketShadowKind), { wrongPercent: 1, presentPercent: 20 }),
    fc.record({
      name: fc.constant('brs-n'),
      uid: fc.constantFrom('u1', 'u2', 'u3'),
      generation: fc.oneof(fc.nat(6), fc.constantFrom(-1, 1.5, 1e300)),
    }),
  )
  .map(([content, metadata]) => ({ ...(content as object), metadata }));
const line = fc.oneof(
  { weight: 6, arbitrary: shadow.map((object) => ({ type: 'SHADOW', object })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { type: 'GONE' },
      { type: 'HEARTBEAT', at: '2026-01-01T00:00:00Z' },
      { type: 'LATER' },
    ),
  },
);
const accepted = fc.record({ uid: fc.constantFrom('u1', ''), generation: fc.nat(), seq: fc.nat() });
const problem = fc.record({
  type: noise,
  title: noise,
  status: fc.nat(599),
  code: fc.constantFrom('StaleSeq', 'toString', 'Unknown'),
  detail: noise,
});

async function* chunksOf(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  let at = 0;
  for (let index = 0; at < bytes.length; index++) {
    const size = sizes[index % sizes.length] ?? 1;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

async function* texts(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  for await (const chunk of chunks) yield chunk.toString('latin1');
}

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}

export const streamBytes = target({
  name: 'bytes of a stream, cut anywhere',
  share: 8_000,
  inputs: fc.record({
    text: fc
      .array(fc.oneof(noise, fc.string({ maxLength: 300 })), { maxLength: 8 })
      .map((parts) => parts.join('\n')),
    sizes: fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 }),
  }),
  check: async ({ text, sizes }) => {
    const bytes = Buffer.from(text);
    const whole = bytes.toString().split('\n').slice(0, -1);
    const expected = whole.filter((each) => each !== '');
    const isLong = bytes
      .toString()
      .split('\n')
      .some((each) => Buffer.byteLength(each) > LIMIT_BYTES);
    try {
      const found = await all(linesOf(chunksOf(bytes, sizes), LIMIT_BYTES));
      must(JSON.stringify(found) === JSON.stringify(expected), 'lines do not depend on where chunks end', {
        found,
        expected,
      });
    } catch (error) {
      must(error instanceof ChannelError && isLong, 'only a line that is too long ends a stream', {
        error: String(error),
      });
    }
    const plain = await all(lines(texts(chunksOf(bytes, sizes))));
    const wanted = bytes
      .toString('latin1')
      .split('\n')
      .slice(0, -1)
      .filter((each) => each.trim() !== '');
    must(JSON.stringify(plain) === JSON.stringify(wanted), 'lines of Kubernetes are the same', {
      plain,
      wanted,
    });
  },
});

export const streamLines = target({
  name: 'lines of the agents’ stream',
  share: 8_000,
  inputs: fc.array(jsonTexts(line), { minLength: 1, maxLength: 6 }),
  check: (given) => {
    const cache = new ShadowCache(() => undefined);
    const seen = new Map<string, number>();
    for (const text of given) {
      readShadow(text);
      const read = readLine(text);
      if (read === undefined || read === 'other' || read.type === 'HEARTBEAT') continue;
      if (read.type === 'GONE') {
        cache.gone();
        continue;
      }
      cache.offer(read.object);
      const { uid, generation } = cache.current?.metadata ?? { uid: '', generation: 0 };
      must(Number.isSafeInteger(generation), 'a generation is a number that can be counted', { generation });
      must(generation >= (seen.get(uid) ?? 0), 'no shadow goes back', { uid, generation });
      seen.set(uid, generation);
    }
  },
});

export const channelAnswers = target({
  name: 'answers of our API server to agents',
  share: 6_000,
  inputs: fc.oneof(jsonTexts(accepted), jsonTexts(problem)),
  check: (text) => {
    const found = readProblem(text);
    must((found?.detail ?? '').length <= 500, 'a detail is cut', { text });
    const read = readAccepted(text);
    must(read === undefined || typeof read.seq === 'number', 'what was accepted has a number', { text });
  },
});

const cause = fc.record({ reason: noise, message: noise, field: noise });
const status = fc.record({
  kind: fc.constant('Status'),
  status: fc.constant('Failure'),
  message: noise,
  reason: fc.constantFrom('AlreadyExists', 'Conflict', 'Expired', ''),
  code: fc.oneof(fc.integer({ min: 100, max: 599 }), fc.constantFrom(-1, 1.5)),
  details: fc.record({
    retryAfterSeconds: fc.oneof(fc.nat(100), fc.constantFrom(-1, 1e300)),
    causes: fc.array(cause, { maxLength: 2 }),
  }),
});

export const kubernetesAnswers = target({
  name: 'refusals of kube-apiserver, and of what stands before it',
  share: 8_000,
  inputs: fc.record({
    text: jsonTexts(status),
    http: fc.constantFrom(0, 100, 302, 400, 401, 403, 404, 409, 410, 422, 429, 500, 503, 599),
    retryAfter: fc.option(
      fc.oneof(fc.constantFrom('1', '60', '9'.repeat(400), 'Wed, 21 Oct 2026 07:28:00 GMT'), noise),
      { nil: undefined },
    ),
  }),
  check: ({ text, http, retryAfter }) => {
    let event: unknown;
    try {
      event = JSON.parse(text);
    } catch {
      event = text;
    }
    for (const error of [answerError(http, text, retryAfter), eventError(event)]) {
      const { causes, retryAfterMs, message, status: code } = error;
      const facts = { causes, retryAfterMs, message, code };
      must(
        Array.isArray(causes) && causes.every((each) => typeof each === 'object' && each !== null),
        'causes are a list',
        facts,
      );
      must(
        retryAfterMs === undefined || (Number.isFinite(retryAfterMs) && retryAfterMs > 0),
        'a wait has an end',
        facts,
      );
      must(typeof message === 'string', 'a message is a text', facts);
      must(typeof code === 'number', 'a status is a number', facts);
    }
  },
});
