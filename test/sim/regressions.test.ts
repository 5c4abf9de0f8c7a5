/** Every story that once failed. A new one: copy what `npm run sim` has kept into `regressions`, named after what it found. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readScenario } from '../../src/cmd/sim/files.ts';
import { play } from '../../src/cmd/sim/play.ts';

const FOLDER = join(import.meta.dirname, 'regressions');
const stories = readdirSync(FOLDER).filter((name) => name.endsWith('.json'));

describe('stories that once failed', () => {
  it.each(stories)('%s', async (name) => {
    const { failures } = await play(readScenario(join(FOLDER, name)));
    expect(failures).toEqual([]);
  });
});
