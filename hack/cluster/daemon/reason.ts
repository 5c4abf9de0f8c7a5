/** What a text says first and last: between them is what led to it. */
function ends(text: string): string {
  const lines = text.trim().split(/\s*\n\s*/);
  return lines.length < 2 ? (lines[0] ?? '') : `${lines[0]}: ${lines.at(-1)}`;
}

/** What an error and the errors behind it say, in one line. */
export function reasonOf(error: unknown): string {
  const said: string[] = [];
  for (let each = error; each instanceof Error; each = each.cause) {
    const text = ends(each.message);
    // Some already repeat what is behind them.
    if (!said.some((earlier) => earlier.includes(text))) said.push(text);
  }
  return said.join(': ') || String(error);
}
