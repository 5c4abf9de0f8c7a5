/**
 * What others than the operator made of Nodes, read from the writes themselves: every value they set, since when, and how
 * long a Node has been ready. A write that changed nothing cannot be seen here, as nobody could see it.
 */
import type { Node } from '../../api/core.ts';
import { MARKS_ANNOTATION } from '../../api/names.ts';
import type { ChangeOf } from './moment.ts';
import { isOperator } from './reading.ts';

/** `cordon`, `label/NAME`, `annotation/NAME`, `taint/KEY:EFFECT`. */
export type NodeKey = string;
export type NodeValue = string | boolean | null;

/** Everything of a Node that a mark could be about. */
export function valuesOf(node: Node | undefined): Map<NodeKey, NodeValue> {
  const values = new Map<NodeKey, NodeValue>();
  if (node === undefined) return values;
  if (node.spec?.unschedulable === true) values.set('cordon', true);
  for (const [name, value] of Object.entries(node.metadata.labels ?? {})) values.set(`label/${name}`, value);
  for (const [name, value] of Object.entries(node.metadata.annotations ?? {})) {
    if (name !== MARKS_ANNOTATION) values.set(`annotation/${name}`, value);
  }
  for (const { key, effect, value = '' } of node.spec?.taints ?? [])
    values.set(`taint/${key}:${effect}`, value);
  return values;
}

/** What a key is when nobody has set it. */
export const unset = (key: NodeKey): NodeValue => (key === 'cordon' ? false : null);

/** What one write changed: the key and its new value. */
export function changesOf({ before, after }: ChangeOf<Node>): [NodeKey, NodeValue][] {
  const [old, next] = [valuesOf(before), valuesOf(after)];
  const changes: [NodeKey, NodeValue][] = [];
  for (const [key, value] of next) if (old.get(key) !== value) changes.push([key, value]);
  for (const key of old.keys()) if (!next.has(key)) changes.push([key, unset(key)]);
  return changes;
}

interface Held {
  value: NodeValue;
  sinceMs: number;
  /** What others had before. */
  prior: NodeValue;
}

const isReady = (node: Node): boolean =>
  node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;

/** One Node, from its registration to its end. */
export class NodeRecord {
  readonly uid: string;
  readonly #values = new Map<NodeKey, Held>();
  /** Undefined while it is not. Virtual milliseconds. */
  readySinceMs: number | undefined;
  /** Since when it is not Ready, cordoned, or being deleted, whoever did it; undefined = it is available. */
  unavailableSinceMs: number | undefined;

  constructor(uid: string) {
    this.uid = uid;
  }

  /** What others last made of a key. */
  of(key: NodeKey): NodeValue {
    return this.#values.get(key)?.value ?? unset(key);
  }

  /** All that others made of a key from an instant on. */
  since(key: NodeKey, atMs: number): NodeValue[] {
    const held = this.#values.get(key);
    if (held === undefined) return [unset(key)];
    return held.sinceMs < atMs ? [held.value] : [held.value, held.prior];
  }

  keys(): Iterable<NodeKey> {
    return this.#values.keys();
  }

  note(change: ChangeOf<Node>, by: string, atMs: number): void {
    const { after } = change;
    if (after === undefined) return;
    if (!isOperator(by)) {
      for (const [key, value] of changesOf(change)) {
        const prior = change.before === undefined ? value : this.of(key);
        this.#values.set(key, { value, sinceMs: atMs, prior });
      }
    }
    this.readySinceMs = isReady(after) ? (this.readySinceMs ?? atMs) : undefined;
    const isAvailable =
      isReady(after) && after.spec?.unschedulable !== true && after.metadata.deletionTimestamp === undefined;
    this.unavailableSinceMs = isAvailable ? undefined : (this.unavailableSinceMs ?? atMs);
  }
}

/** See the head of this file. */
export class NodeHistory {
  readonly #records = new Map<string, NodeRecord>();

  note(change: ChangeOf<Node>, by: string, atMs: number): void {
    const uid = (change.after ?? change.before)?.metadata.uid ?? '';
    let record = this.#records.get(uid);
    if (record === undefined) {
      record = new NodeRecord(uid);
      this.#records.set(uid, record);
    }
    record.note(change, by, atMs);
  }

  /** Of the Node with this UID. */
  get(uid: string | undefined): NodeRecord | undefined {
    return uid === undefined ? undefined : this.#records.get(uid);
  }
}
