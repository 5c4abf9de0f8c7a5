/** Requests to the API server as anybody on the network may send them: over real connections, in any shape. */
import { connect } from 'node:tls';
import * as fc from 'fast-check';
import { HttpServer } from '../../../src/apiserver/http/server.ts';
import { TestClient, testAuthority } from '../../../src/apiserver/http/testclient.ts';
import { report, world } from '../../../src/apiserver/testworld.ts';
import { PROBLEMS } from '../../../src/api/wire.ts';
import { StatusReport } from '../../../src/api/statusreport.ts';
import { source, structural } from '../../../src/api/structural.ts';
import { systemClock } from '../../../src/runtime/clock.ts';
import { silentLogger } from '../../../src/runtime/log.ts';
import { jsonTexts } from '../../support/draw/jsontext.ts';
import { fromSchema } from '../../support/draw/schema.ts';
import { long, noise } from '../../support/draw/texts.ts';
import { must, type Target, target } from '../target.ts';

const schema = structural(source(StatusReport));
const drawn = fromSchema(schema, { wrongPercent: 1 });
/** Of the agent's own shadow, so that more than the first rule is reached. */
const own = drawn.map((value) => ({
  ...report('node-a'),
  ...(value as object),
  uid: 'shadow-uid-node-a',
  generation: 1,
}));
const bodies = fc.oneof(jsonTexts(fc.oneof(own, drawn)), jsonTexts(fc.constant(report('node-a'))), long);

/** What a header can hold at all; Node refuses to send the rest. */
const headerText = fc
  .oneof(
    noise,
    long.map((text) => text.slice(0, 9_000)),
  )
  .map((text) => text.replaceAll(/[^\t\x20-\x7e]/g, ''));
const request = fc.record({
  method: fc.constantFrom('PUT', 'PUT', 'PUT', 'GET', 'POST', 'DELETE', 'OPTIONS'),
  path: fc.constantFrom(
    '/v2/shadow/status',
    '/v2/shadow/status',
    '/v2/shadow',
    '/v2/shadow?watch=maybe',
    '/',
    '/v2/../metrics',
    '/v2/shadow/%ff',
    '//v2',
    '/ping',
  ),
  isAgent: fc.nat(5).map((chance) => chance !== 0),
  authorization: headerText,
  contentType: fc.oneof(
    { weight: 6, arbitrary: fc.constant('application/json') },
    { weight: 1, arbitrary: headerText },
  ),
  body: bodies,
});

/** No request line at all, or half of one. */
const raw = fc.oneof(
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  fc
    .tuple(
      fc.constantFrom(
        'GET / HTTP/1.1\r\n',
        'PUT /v2/shadow/status HTTP/1.1\r\nHost: x\r\n',
        'GET /ping HTTP/9.9\r\n',
        'G\0T / HTTP/1.1\r\n',
      ),
      fc.constantFrom(
        '\r\n',
        'Content-Length: -1\r\n\r\n',
        'Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef',
        'Transfer-Encoding: chunked\r\n\r\nzz\r\n',
        'A\r\n\r\n',
        `X: ${'y'.repeat(20_000)}\r\n\r\n`,
      ),
    )
    .map((parts) => Buffer.from(parts.join(''))),
);

const CODES: Readonly<Record<string, { status: number }>> = PROBLEMS;

function checkAnswer(answer: { status: number; headers: Record<string, unknown>; body: unknown }): void {
  const { status, headers, body } = answer;
  const facts = { status, body };
  must(status >= 200 && status !== 500, 'no request is too much', facts);
  if (status < 400 || body === '') return;
  const { code } = body as { code?: string };
  must(/problem\+json/.test(String(headers['content-type'])), 'a refusal is a problem', facts);
  must(code !== undefined && CODES[code]?.status === status, 'a refusal is of the closed table', facts);
}

/** The server runs while the target does. */
export const httpRequests: Target = {
  name: 'requests to the API server',
  share: 1_500,
  run: async (inputs, seed) => {
    const authority = testAuthority();
    let monotonicMs = 0;
    // Every look at the clock is a second later, so that no rate limit stands before what is tried.
    const clock = { ...systemClock, monotonic: () => (monotonicMs += 1_000), sleep: async () => undefined };
    const { api, bearer, kubernetes } = world({ clock });
    const server = new HttpServer({
      api,
      pair: authority.pair(),
      isReady: () => undefined,
      clock: systemClock,
      log: silentLogger,
    });
    const port = await server.listen({ host: '127.0.0.1', port: 0 });
    const client = new TestClient({ ca: authority.ca, port });
    const whole = target({
      name: 'requests',
      share: 0,
      inputs: request,
      check: async ({ method, path, isAgent, authorization, contentType, body }) => {
        const headers = { authorization: isAgent ? bearer : authorization, 'content-type': contentType };
        const answer = await client
          .ask({ method, path, headers, ...(method === 'PUT' && { body }) })
          .catch((error: NodeJS.ErrnoException) => {
            // A body that is too long is not read to its end.
            must(['ECONNRESET', 'EPIPE'].includes(error.code ?? ''), 'only a connection may break', {
              error: String(error),
            });
          });
        if (answer !== undefined) checkAnswer(answer);
      },
    });
    const broken = target({
      name: 'bytes',
      share: 0,
      inputs: raw,
      check: async (bytes) => {
        const text = await new Promise<string>((resolve, reject) => {
          const socket = connect(
            {
              host: '127.0.0.1',
              port,
              ca: authority.ca,
              servername: 'localhost',
              ALPNProtocols: ['http/1.1'],
            },
            () => socket.end(bytes),
          );
          let said = '';
          socket.setEncoding('latin1');
          socket.on('data', (piece: string) => (said += piece));
          socket.on('close', () => resolve(said));
          socket.on('error', (error: NodeJS.ErrnoException) =>
            error.code === 'ECONNRESET' ? resolve(said) : reject(error),
          );
        });
        must(!/^HTTP\/1.1 5/.test(text), 'no bytes are too much', { text });
      },
    });
    try {
      await whole.run(Math.ceil(inputs * 0.8), seed);
      await broken.run(Math.ceil(inputs * 0.2), seed);
      must((await client.ask({ path: '/ping' })).status === 200, 'the server is there afterwards');
      must(kubernetes.shadows.size === 1, 'there is still one shadow');
    } finally {
      await server.close(100);
    }
  },
};
