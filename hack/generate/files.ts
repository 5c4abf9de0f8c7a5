/** Everything that is generated, from the schema values, the reasons and the rules declared beside the code. */
import { KINDS } from '../../src/api/definitions.ts';
import { crdFiles } from './crd.ts';
import { editorFiles } from './editor.ts';
import type { Files } from './output.ts';
import { referenceFiles } from './pages.ts';
import { GRANTS, rbacFiles } from './rbac.ts';

/** All generated files, by path from the repository's root. */
export const generatedFiles = (): Files => {
  const kinds = Object.values(KINDS);
  return new Map([...crdFiles(kinds), ...editorFiles(kinds), ...referenceFiles(), ...rbacFiles(GRANTS)]);
};
