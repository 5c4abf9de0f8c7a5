/** Talks to the control socket of a simulated host. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import type { ControlLine, ControlRequest } from '../../src/sim/host/control.ts';

/** Asks for one thing. @returns its value @throws Error with the host's words when it was refused */
export async function askHost(controlPath: string, request: ControlRequest): Promise<unknown> {
  const socket = connect(controlPath);
  try {
    socket.write(`${JSON.stringify(request)}\n`);
    const lines = createInterface({ input: socket });
    const failed = once(socket, 'error').then(([error]: unknown[]) => {
      throw error as Error;
    });
    const [line] = (await Promise.race([once(lines, 'line'), failed])) as [string];
    const answer = JSON.parse(line) as ControlLine;
    if ('reply' in answer && answer.reply === 'error') throw new Error(answer.message);
    return 'reply' in answer ? answer.value : undefined;
  } finally {
    socket.destroy();
  }
}
