/** What was measured, and how it is shown. */

export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** The value should not be above it (docs/architecture.md 11). Absent where no budget is named. */
  budget?: number;
}

/** The figures as a table, with the budgets beside them. */
export function table(figures: readonly Figure[]): string {
  const rows = figures.map(({ name, value, unit, budget }) => [
    name,
    numberText(value),
    unit,
    budget === undefined ? '' : `≤ ${numberText(budget)}`,
    budget === undefined ? '' : value <= budget ? 'within' : 'above',
  ]);
  const all = [['figure', 'value', 'unit', 'budget', ''], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = ([name = '', value = '', unit = '', budget = '', verdict = '']: string[]): string =>
    [
      name.padEnd(widths[0] ?? 0),
      value.padStart(widths[1] ?? 0),
      unit.padEnd(widths[2] ?? 0),
      budget.padStart(widths[3] ?? 0),
      verdict,
    ]
      .join('  ')
      .trimEnd();
  return all.map(line).join('\n');
}

/** The figures as JSON: `[{name, value, unit, budget}]`, `budget` null where there is none. */
export const json = (figures: readonly Figure[]): string =>
  `${JSON.stringify(
    figures.map(({ name, value, unit, budget }) => ({ name, value, unit, budget: budget ?? null })),
    undefined,
    2,
  )}\n`;

const numberText = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 2 });

/** To three significant digits, as far as a figure that differs from run to run is worth. */
export const round = (value: number): number => (value === 0 ? 0 : Number(value.toPrecision(3)));

/** @param share 0.5 = median; of nothing, 0. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);
