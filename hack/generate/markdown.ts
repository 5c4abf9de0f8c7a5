/** Pieces of Markdown. */

/** Text for a table cell: one line, with what Markdown or HTML would read escaped. */
export const cell = (text: string): string =>
  text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('\n', ' ');

/** A table. Cells are taken as they are. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

/** Inline code. */
export const code = (text: string): string => (text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``);

/** A link to the heading that `title` makes. */
export const anchor = (title: string): string =>
  `#${title
    .toLowerCase()
    .replaceAll('`', '')
    .replaceAll(/[^a-z0-9 _-]/g, '')
    .replaceAll(' ', '-')}`;

/** A fenced block. */
export const fenced = (language: string, text: string): string =>
  `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``;

/** A page of blocks, separated by blank lines. */
export const page = (blocks: readonly string[]): string =>
  `${blocks.filter((each) => each !== '').join('\n\n')}\n`;
