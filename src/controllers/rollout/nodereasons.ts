/** Why each node is where it is. Nearly every node has a reason in every plan: they lie in one array, by row. */
import type { NodeReason } from './actions.ts';
import type { NodeFacts } from './snapshot.ts';

/** Of a node: what names its place. */
type Row = Pick<NodeFacts, 'row'>;

export class NodeReasons {
  readonly #byRow: (NodeReason | undefined)[] = [];

  /** The reason of a node; undefined while it is on its way from one step to the next. */
  get({ row }: Row): NodeReason | undefined {
    return this.#byRow[row];
  }

  set({ row }: Row, reason: NodeReason): void {
    // Without holes: an array that begins with a large gap becomes a slow one.
    while (this.#byRow.length < row) this.#byRow.push(undefined);
    this.#byRow[row] = reason;
  }

  /** Every reason, once for each node that has it. */
  *values(): Generator<NodeReason> {
    for (const reason of this.#byRow) if (reason !== undefined) yield reason;
  }
}
