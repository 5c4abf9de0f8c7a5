/** Stories in a copy that nothing was changed in: one that fails there too accuses no mutant. */
import { runNode } from './child.ts';
import type { SourceCopy } from './copy.ts';
import { runTests } from './hunt.ts';
import type { Innocent } from './hunt.ts';
import type { PlayedLine } from './seeds.ts';

const PATIENCE_MS = 300_000;

/** Each question is answered once, whoever asks. */
export function innocentIn(copy: SourceCopy): Innocent {
  const known = new Map<string, Promise<boolean>>();
  const tests = new Map<string, Promise<string | undefined>>();
  const ask = async (story: string): Promise<boolean> => {
    const isFile = story.endsWith('.json');
    let isPassed = false;
    await runNode({
      cwd: copy.path,
      args: ['test/mutants/seeds.ts', isFile ? '1' : story, isFile ? '0' : '1', isFile ? 'stories' : ''],
      patienceMs: PATIENCE_MS,
      onLine: (line) => {
        if (!line.startsWith('{')) return false;
        const played = JSON.parse(line) as PlayedLine;
        if (played.story === story) isPassed = played.rule === undefined;
        return false;
      },
    });
    return isPassed;
  };
  return {
    passes: (story) => {
      const found = known.get(story) ?? ask(story);
      known.set(story, found);
      return found;
    },
    failing: (args) => {
      const key = args.join(' ');
      const found = tests.get(key) ?? runTests(copy, args);
      tests.set(key, found);
      return found;
    },
  };
}
