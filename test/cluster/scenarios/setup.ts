/**
 * vitest `globalSetup` of the stories: clusters with the operator in them, of which every story takes one. Where
 * `BRUPOP_STORY_CLUSTER` names the state directory of one that runs already, and `BRUPOP_STORY_IMAGE` the archive of
 * its image, they are used: for whoever works on a story.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { bringUp, type BroughtUp } from '../story/bringup.ts';
import { makeImage } from '../story/image.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** State directories of the clusters. */
    storyClusters: string[];
    /** OCI archive of the operator. */
    storyImage: string;
  }
}

/** A story is a wait most of the time: two at once, and two processors are not too few. */
const CLUSTERS = 2;
const progress = (line: string): void => console.error(line);
const leave = (): Promise<void> => Promise.resolve();

/** All of them, or none is left. */
async function bringUpAll(image: string): Promise<BroughtUp[]> {
  const starts = Array.from({ length: CLUSTERS }, (_, index) =>
    bringUp({ name: `stories-${process.pid}-${index + 1}`, machines: 3, ordinary: 1, image, progress }),
  );
  const outcomes = await Promise.allSettled(starts);
  const up = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed === undefined) return up;
  await Promise.all(up.map((cluster) => cluster.putAway()));
  throw failed.reason;
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { BRUPOP_STORY_CLUSTER: existing, BRUPOP_STORY_IMAGE: given } = process.env;
  const scratch = await mkdtemp(join(tmpdir(), 'brupop-story-image-'));
  let clusters: BroughtUp[] = [];
  const teardown = async (): Promise<void> => {
    await Promise.all(clusters.map((cluster) => cluster.putAway()));
    await rm(scratch, { recursive: true, force: true });
  };
  try {
    const image = given ?? (await makeImage(scratch));
    clusters = existing === undefined ? await bringUpAll(image) : [{ dir: existing, putAway: leave }];
    project.provide(
      'storyClusters',
      clusters.map(({ dir }) => dir),
    );
    project.provide('storyImage', image);
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}
