/** A copy of the source tree in which one file at a time is changed; the work tree itself is never touched. */
import { cpSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { mutatedFile } from './mutant.ts';
import type { Mutant } from './mutant.ts';

/** What a copy is made of, besides the installed packages, which are only pointed to. */
const PARTS = ['src', 'test', 'config', 'docs', 'hack', 'package.json', 'tsconfig.json', 'vitest.config.ts'];
const NOT_COPIED = new Set(['node_modules', 'build', 'dist']);

/** See the head of this file. */
export class SourceCopy {
  /** Its root. */
  readonly path: string;
  readonly #original: string;
  #changed: string | undefined;

  /** Makes it, anew. */
  constructor(original: string, path: string) {
    this.#original = original;
    this.path = path;
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path, { recursive: true });
    for (const part of PARTS) {
      const filter = (source: string): boolean => !NOT_COPIED.has(basename(source));
      cpSync(join(original, part), join(path, part), { recursive: true, filter });
    }
    symlinkSync(join(original, 'node_modules'), join(path, 'node_modules'));
  }

  /** Changes the file of a mutant, and nothing else. @throws MutantDoesNotApply */
  become(mutant: Mutant): void {
    this.restore();
    const text = mutatedFile(this.path, mutant);
    writeFileSync(join(this.path, mutant.file), text);
    this.#changed = mutant.file;
  }

  /** Nothing is changed any more. */
  restore(): void {
    if (this.#changed === undefined) return;
    cpSync(join(this.#original, this.#changed), join(this.path, this.#changed));
    this.#changed = undefined;
  }

  /** Removes it. */
  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
