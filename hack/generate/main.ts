/** `npm run generate` writes the generated files; `npm run generate -- --check` fails when they differ. */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { generatedFiles } from './files.ts';
import { compare, difference, write } from './output.ts';

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
const root = fileURLToPath(new URL('../../', import.meta.url));
const files = generatedFiles();
const differences = await compare(root, files);

if (!values.check) {
  await write(root, differences);
  for (const { path } of differences) console.log(`wrote ${path}`);
  console.log(`${files.size} generated files are up to date`);
} else if (differences.length === 0) {
  console.log(`${files.size} generated files are up to date`);
} else {
  for (const each of differences) console.error(`${difference(each)}\n`);
  console.error(`${differences.length} generated files differ; run: npm run generate`);
  process.exitCode = 1;
}
