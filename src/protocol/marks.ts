/**
 * Marks on Nodes (protocol 6): whatever we change on a Node is recorded in one annotation, in the same patch,
 * with what was there before, so that undoing it never touches what somebody else set.
 */
import type { Node } from '../api/core.ts';
import type { BottlerocketShadow } from '../api/v2/bottlerocketshadow.ts';
import { INTERFACE_VERSION_LABEL, MARKS_ANNOTATION } from '../api/names.ts';
import { labelKeyProblem, labelValueProblem } from '../policy/selector.ts';

/** Which attempt of which shadow set a mark. */
export interface MarkOwner {
  shadowUid: string;
  attempt: number;
}

/** A value a mark can have: `true` for the cordon, text for labels and annotations, null for absent. */
export type MarkValue = boolean | string | null;

/** One recorded change. */
export interface Mark {
  /** The value we set. */
  ours: MarkValue;
  /** The value that was there before the first of our attempts set it. */
  was: MarkValue;
  /** Absent for marks that belong to no attempt, such as the automatic label. */
  owner?: MarkOwner;
  /** When this attempt set it, RFC 3339. */
  at: string;
  /** Somebody took our value back; undo leaves the key alone, whatever it is by then. */
  released?: true;
}

export type MarkKey = 'cordon' | `label/${string}` | `annotation/${string}`;
export type Marks = Partial<Record<string, Mark>>;

/** Key of the automatic node label. */
export const INTERFACE_LABEL_MARK: MarkKey = `label/${INTERFACE_VERSION_LABEL}`;

/** What the annotation says; `error` when a person has made it unreadable: then nothing of it may be undone. */
export function readMarks(node: Node): { marks: Marks; error?: string } {
  const text = node.metadata.annotations?.[MARKS_ANNOTATION];
  if (text === undefined || text === '') return { marks: {} };
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
      throw new Error('not an object');
    const marks: Marks = {};
    for (const [key, value] of Object.entries(parsed)) {
      if (!isMark(key, value)) throw new Error(`"${key}" is no mark`);
      marks[key] = value;
    }
    return { marks };
  } catch (error) {
    return { marks: {}, error: `annotation ${MARKS_ANNOTATION}: ${(error as Error).message}` };
  }
}

/**
 * Whether it is what we write: anything else could be undone only by a patch that no API server takes, or that
 * touches what is not ours.
 */
function isMark(key: string, value: unknown): value is Mark {
  if (typeof value !== 'object' || value === null) return false;
  const { ours, was, owner, at, released } = value as Record<string, unknown>;
  return (
    [ours, was].every((each) => isValueOf(key, each)) &&
    (owner === undefined || isOwner(owner)) &&
    typeof at === 'string' &&
    (released === undefined || released === true)
  );
}

/** Whether a key can have the value: the cordon a boolean, labels and annotations a text or none. */
function isValueOf(key: string, value: unknown): value is MarkValue {
  if (key === 'cordon') return typeof value === 'boolean';
  const [kind, name] = splitKey(key);
  const isKey = ['label', 'annotation'].includes(kind) && labelKeyProblem(name) === undefined;
  if (!isKey || name === MARKS_ANNOTATION) return false;
  if (value === null) return true;
  if (typeof value !== 'string') return false;
  return kind === 'annotation' || labelValueProblem(value) === undefined;
}

function isOwner(value: unknown): value is MarkOwner {
  if (typeof value !== 'object' || value === null) return false;
  const { shadowUid, attempt } = value as Record<string, unknown>;
  return typeof shadowUid === 'string' && Number.isSafeInteger(attempt);
}

/** The value the Node has now under a key. */
export function currentValue(node: Node, key: string): MarkValue {
  if (key === 'cordon') return node.spec?.unschedulable ?? false;
  const [kind, name] = splitKey(key);
  const map = (kind === 'label' ? node.metadata.labels : node.metadata.annotations) ?? {};
  return Object.hasOwn(map, name) ? (map[name] ?? null) : null;
}

function splitKey(key: string): [string, string] {
  const at = key.indexOf('/');
  return [key.slice(0, at), key.slice(at + 1)];
}

/** A merge patch of a Node that changes one key. */
function valuePatch(key: string, value: MarkValue): { spec?: object; labels?: object; annotations?: object } {
  if (key === 'cordon') return { spec: { unschedulable: value === true ? true : null } };
  const [kind, name] = splitKey(key);
  return kind === 'label' ? { labels: { [name]: value } } : { annotations: { [name]: value } };
}

/** A merge patch of a Node, with its resourceVersion. */
export interface NodePatch {
  metadata: { resourceVersion?: string; labels?: object; annotations?: object };
  spec?: object;
}

function nodePatch(node: Node, marks: Marks, changes: [string, MarkValue][]): NodePatch {
  const labels: Record<string, unknown> = {};
  const annotations: Record<string, unknown> = {
    [MARKS_ANNOTATION]: Object.keys(marks).length === 0 ? null : JSON.stringify(marks),
  };
  let spec: object | undefined;
  for (const [key, value] of changes) {
    const patch = valuePatch(key, value);
    Object.assign(labels, patch.labels);
    Object.assign(annotations, patch.annotations);
    spec = patch.spec ?? spec;
  }
  return {
    metadata: {
      ...(node.metadata.resourceVersion === undefined
        ? {}
        : { resourceVersion: node.metadata.resourceVersion }),
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
      annotations,
    },
    ...(spec === undefined ? {} : { spec }),
  };
}

/**
 * Sets a mark. An attempt writes its own entry also when an older one of ours is still there; then what was there
 * before the older one is kept. Undefined when this very owner's mark stands already, or when the record is
 * unreadable.
 */
export function setMark(
  node: Node,
  key: MarkKey,
  mark: { value: MarkValue; at: string; owner?: MarkOwner },
): NodePatch | undefined {
  const { marks, error } = readMarks(node);
  if (error !== undefined) return undefined;
  const before = marks[key];
  const now = currentValue(node, key);
  if (before !== undefined && sameOwner(before.owner, mark.owner) && now === before.ours) return undefined;
  const stillOurs = before !== undefined && before.released !== true && now === before.ours;
  const entry: Mark = {
    ours: mark.value,
    was: stillOurs ? before.was : now,
    at: mark.at,
    ...(mark.owner === undefined ? {} : { owner: mark.owner }),
  };
  return nodePatch(node, { ...marks, [key]: entry }, [[key, mark.value]]);
}

const sameOwner = (a: MarkOwner | undefined, b: MarkOwner | undefined): boolean =>
  a?.shadowUid === b?.shadowUid && a?.attempt === b?.attempt;

/**
 * Undoes marks: a key that still has our value gets back what was there before; any other is left alone. The
 * records go in the same patch.
 * @param keys which marks; undefined = all of ours.
 * @param upTo only marks of that shadow's attempts up to this one, so that a late undo cannot land in those of a later
 * attempt, or of the shadow after it; undefined = whoever set them.
 * @returns undefined when there is nothing to undo.
 */
export function undoMarks(
  node: Node,
  keys: (key: string, mark: Mark) => boolean,
  upTo?: MarkOwner,
): NodePatch | undefined {
  const { marks, error } = readMarks(node);
  if (error !== undefined) return undefined;
  const rest: Marks = {};
  const changes: [string, MarkValue][] = [];
  let undone = 0;
  for (const [key, mark] of Object.entries(marks)) {
    if (mark === undefined) continue;
    if (!keys(key, mark) || !isWithin(mark.owner, upTo)) {
      rest[key] = mark;
      continue;
    }
    undone++;
    if (mark.released !== true && currentValue(node, key) === mark.ours && mark.ours !== mark.was) {
      changes.push([key, mark.was]);
    }
  }
  return undone === 0 ? undefined : nodePatch(node, rest, changes);
}

const isWithin = (owner: MarkOwner | undefined, upTo: MarkOwner | undefined): boolean =>
  upTo === undefined || (owner?.shadowUid === upTo.shadowUid && owner.attempt <= upTo.attempt);

/** Marks that an attempt set: all but those that belong to the node as such. */
export const isAttemptMark = (_key: string, mark: Mark): boolean => mark.owner !== undefined;

/** Records that somebody took back our cordon; nothing else changes. Undefined when it is recorded already. */
export function releaseCordon(node: Node): NodePatch | undefined {
  const { marks, error } = readMarks(node);
  const cordon = marks.cordon;
  if (error !== undefined || cordon === undefined || cordon.released === true) return undefined;
  return nodePatch(node, { ...marks, cordon: { ...cordon, released: true } }, []);
}

/** Whose cordon a Node carries. */
export type Cordon =
  | { by: 'none' }
  /** Ours: nobody had cordoned it before. */
  | { by: 'us'; mark: Mark }
  /** Somebody else's, perhaps with a mark of ours over it. */
  | { by: 'others'; mark?: Mark; error?: string };

/** Reads whose cordon a Node carries; an unreadable record counts as somebody else's. */
export function cordonOf(node: Node): Cordon {
  const { marks, error } = readMarks(node);
  const mark = marks.cordon;
  if (node.spec?.unschedulable !== true) return { by: 'none' };
  if (error !== undefined) return { by: 'others', error };
  if (mark === undefined) return { by: 'others' };
  return mark.was === true || mark.released === true ? { by: 'others', mark } : { by: 'us', mark };
}

/** The cordon mark of this very attempt, when it was set. */
export function cordonMarkOf(node: Node, owner: MarkOwner): Mark | undefined {
  const mark = readMarks(node).marks.cordon;
  return mark !== undefined && sameOwner(mark.owner, owner) ? mark : undefined;
}

/**
 * Undoes marks that no attempt answers for any more: the shadow is Idle or gone and has no entry in a ledger. A write
 * that came late may have left them. Undefined when there are none, or when they are of a later attempt than the
 * shadow that was read knows of.
 */
export function undoStrayMarks(
  node: Node,
  facts: { shadow: BottlerocketShadow | undefined; hasEntry: boolean },
): NodePatch | undefined {
  const { shadow, hasEntry } = facts;
  if (hasEntry || (shadow !== undefined && shadow.spec.state !== 'Idle')) return undefined;
  const isStray = (key: string, mark: Mark): boolean =>
    isAttemptMark(key, mark) && (shadow === undefined || !isOfLaterAttempt(mark, shadow));
  return undoMarks(node, isStray);
}

const isOfLaterAttempt = ({ owner }: Mark, { metadata, spec }: BottlerocketShadow): boolean =>
  owner?.shadowUid === metadata.uid && owner !== undefined && owner.attempt > (spec.attempt ?? 0);
