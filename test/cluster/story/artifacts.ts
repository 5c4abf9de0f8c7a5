/** Writes the timeline of a story where people find it after the run: `build/cluster/`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TimelineEvent } from '../../../src/sim/timeline/events.ts';
import { renderMarkdown } from '../../../src/sim/timeline/markdown.ts';
import { renderSvg } from '../../../src/sim/timeline/svg/svg.ts';
import type { Timeline } from '../../../src/sim/timeline/timeline.ts';

export const ARTIFACTS = join(import.meta.dirname, '..', '..', '..', 'build', 'cluster');

export interface StoryRecord {
  title: string;
  /** What it is about, Markdown. */
  intro: readonly string[];
  timeline: Timeline;
  events: readonly TimelineEvent[];
}

/** `Nobody notices` → `nobody-notices`. */
const fileName = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');

/** Writes report, drawing and events. @returns path of the report */
export async function writeArtifacts({ title, intro, timeline, events }: StoryRecord): Promise<string> {
  const name = fileName(title);
  await mkdir(ARTIFACTS, { recursive: true });
  const report = join(ARTIFACTS, `${name}.md`);
  await writeFile(join(ARTIFACTS, `${name}.svg`), renderSvg(timeline, { title }));
  await writeFile(
    join(ARTIFACTS, `${name}.jsonl`),
    events.map((event) => `${JSON.stringify(event)}\n`).join(''),
  );
  await writeFile(report, renderMarkdown(timeline, { title, intro, image: `${name}.svg` }));
  return report;
}
