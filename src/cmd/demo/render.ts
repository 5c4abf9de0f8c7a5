/** The demo's screen as text: a table of nodes, a line a policy. */
import type { NodeRow, PolicyRow } from './rows.ts';

/** Cuts with an ellipsis. */
const fit = (text: string, width: number): string =>
  text.length <= width ? text.padEnd(width) : `${text.slice(0, Math.max(0, width - 1))}…`;

const COLUMNS: readonly [title: string, width: number, value: (row: NodeRow) => string][] = [
  ['NODE', 13, (row) => row.node],
  ['ZONE', 10, (row) => row.zone],
  ['POLICY', 11, (row) => row.policy],
  ['PHASE', 10, (row) => row.phase],
  ['VERSION', 8, (row) => row.version],
  ['TARGET', 8, (row) => row.target],
];

/** @param width columns of the terminal */
export function screen(
  at: { time: string; nodes: readonly NodeRow[]; policies: readonly PolicyRow[] },
  width: number,
): string {
  const head = COLUMNS.map(([title, columnWidth]) => fit(title, columnWidth)).join(' ');
  const used = head.length + 1;
  const lines = at.nodes.map((row) => {
    const cells = COLUMNS.map(([, columnWidth, value]) => fit(value(row), columnWidth)).join(' ');
    return `${cells} ${fit(`${row.reason}: ${row.message}`, Math.max(10, width - used)).trimEnd()}`;
  });
  return [
    at.time,
    '',
    `${head} WHY`,
    ...lines,
    '',
    ...at.policies.map((row) => fit(policyLine(row), width).trimEnd()),
  ].join('\n');
}

/** One policy in a line. */
export function policyLine(row: PolicyRow): string {
  const parts = [
    `${row.policy}: updated ${row.updated}`,
    row.slots === '' ? '' : `slots ${row.slots}`,
    row.window === '' ? '' : `window ${row.window}`,
    row.estimatedCompletion === '' ? '' : `ends about ${row.estimatedCompletion}`,
    row.reason,
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

/** What changed since the last look, a line a node; for pipes. */
export function changes(before: readonly NodeRow[], after: readonly NodeRow[], time: string): string[] {
  const known = new Map(before.map((row) => [row.node, row]));
  return after
    .filter((row) => {
      const old = known.get(row.node);
      return old?.phase !== row.phase || old.reason !== row.reason || old.version !== row.version;
    })
    .map(
      (row) => `${time} ${row.node} ${row.phase} ${row.version}${arrow(row)} ${row.reason}: ${row.message}`,
    );
}

const arrow = (row: NodeRow): string =>
  row.target === '' || row.target === row.version ? '' : ` → ${row.target}`;
