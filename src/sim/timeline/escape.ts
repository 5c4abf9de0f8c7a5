/** Foreign text inside documents: names and messages may hold anything. */

/** What XML 1.0 has no place for, not even escaped. */
// oxlint-disable-next-line no-control-regex
const NOT_IN_XML = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g;
const XML: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** As the text or an attribute of an XML element. */
export const xmlText = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(NOT_IN_XML, '\uFFFD')
    .replaceAll(/[&<>"']/g, (character) => XML[character] ?? '');

/** As part of one line of Markdown, also in a table. */
export const markdownText = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replaceAll(/[\\`*_[\]|~#]/g, (character) => `\\${character}`)
    .replaceAll(/[&<>]/g, (character) => XML[character] ?? '');

/** At most this many characters, the last an ellipsis when there were more. */
export const shortened = (text: string, most: number): string =>
  text.length <= most ? text : `${text.slice(0, Math.max(0, most - 1)).toWellFormed()}…`;
