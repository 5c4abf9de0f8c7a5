/** The table of `status`. */
import type { ClusterStatus, MachineStatus } from '../daemon/protocol.ts';

const HEAD = ['MACHINE', 'POWER', 'VERSION', 'BOOT ID', 'READY'] as const;

const readiness = ({ ready }: MachineStatus): string => {
  if (ready === undefined) return 'unknown';
  return ready ? 'yes' : 'no';
};

const row = (machine: MachineStatus): string[] => [
  machine.name,
  machine.state,
  machine.version ?? '-',
  machine.bootId === '' ? '-' : machine.bootId,
  readiness(machine),
];

/** One line a machine, in columns. */
export function statusTable({ name, state, machines, components }: ClusterStatus): string {
  const rows = [[...HEAD], ...machines.map(row)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((each) => each[column]?.length ?? 0)));
  const lines = rows.map((each) =>
    each
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const running = Object.keys(components).toSorted().join(', ');
  return [`Cluster ${name}: ${state}`, `Control plane: ${running || 'nothing runs'}`, '', ...lines].join(
    '\n',
  );
}
