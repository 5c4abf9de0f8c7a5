/** YAML as the generated manifests are written. */
import { stringify } from 'yaml';
import { NOTICE } from './output.ts';

/** One document, without a notice. */
export const yamlDocument = (value: object): string =>
  stringify(value, { aliasDuplicateObjects: false, lineWidth: 110 });

/** A file of one or more documents, with the notice. */
export const yamlFile = (documents: readonly (object | string)[]): string =>
  [
    `# ${NOTICE}\n`,
    documents.map((each) => (typeof each === 'string' ? each : yamlDocument(each))).join('---\n'),
  ].join('');
