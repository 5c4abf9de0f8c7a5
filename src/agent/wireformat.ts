/** Reads what the API server sends: lines, answers and problems. Undefined for what is not understood. */
import { PROBLEMS } from '../api/wire.ts';
import type { Problem, ProblemCode, ReportAccepted, StreamLine, WireShadow } from '../api/wire.ts';
import { LEGAL_STATES } from '../protocol/report.ts';

type Json = Record<string, unknown>;

const asObject = (value: unknown): Json | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // What is no JSON is not understood, like any other shape.
  }
};

/** A number that may be compared with others of its kind: one that cannot be counted would be the last for ever. */
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

/** A shadow, as far as decisions depend on its shape: the server has checked the rest against the schema. */
function shadowOf(value: unknown): WireShadow | undefined {
  const object = asObject(value);
  const { name, uid, generation } = asObject(object?.['metadata']) ?? {};
  const state = asObject(object?.['spec'])?.['state'];
  const isKnown = typeof state === 'string' && Object.hasOwn(LEGAL_STATES, state);
  if (typeof name !== 'string' || typeof uid !== 'string' || !isCount(generation) || !isKnown)
    return undefined;
  return value as WireShadow;
}

/** One line of the stream. `other`: a type of a later version, to be ignored. */
export function readLine(text: string): StreamLine | 'other' | undefined {
  const line = asObject(parsed(text));
  switch (line?.['type']) {
    case 'SHADOW': {
      const object = shadowOf(line['object']);
      return object && { type: 'SHADOW', object };
    }
    case 'GONE':
      return { type: 'GONE' };
    case 'HEARTBEAT':
      return { type: 'HEARTBEAT', at: String(line['at']) };
    default:
      return typeof line?.['type'] === 'string' ? 'other' : undefined;
  }
}

/** The answer to a live read. */
export const readShadow = (text: string): WireShadow | undefined => {
  const line = readLine(text);
  return line !== undefined && line !== 'other' && line.type === 'SHADOW' ? line.object : undefined;
};

/** The answer to a report. */
export function readAccepted(text: string): ReportAccepted | undefined {
  const { uid, generation, seq } = asObject(parsed(text)) ?? {};
  return typeof uid === 'string' && isCount(generation) && isCount(seq)
    ? { uid, generation, seq }
    : undefined;
}

/** A problem of the closed table. */
export function readProblem(text: string): Pick<Problem, 'code' | 'detail'> | undefined {
  const { code, detail, title } = asObject(parsed(text)) ?? {};
  if (typeof code !== 'string' || !Object.hasOwn(PROBLEMS, code)) return undefined;
  const words = typeof detail === 'string' ? detail : title;
  return { code: code as ProblemCode, detail: typeof words === 'string' ? words.slice(0, 500) : '' };
}
