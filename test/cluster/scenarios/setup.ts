/**
 * vitest `globalSetup` of the stories: one cluster with the operator in it for all of them. Where
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
    /** State directory of the cluster. */
    storyCluster: string;
    /** OCI archive of the operator. */
    storyImage: string;
  }
}

const NAME = `stories-${process.pid}`;
const progress = (line: string): void => console.error(line);
const leave = (): Promise<void> => Promise.resolve();

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { BRUPOP_STORY_CLUSTER: existing, BRUPOP_STORY_IMAGE: given } = process.env;
  const scratch = await mkdtemp(join(tmpdir(), 'brupop-story-image-'));
  let cluster: BroughtUp | undefined;
  const teardown = async (): Promise<void> => {
    await (cluster?.putAway() ?? leave());
    await rm(scratch, { recursive: true, force: true });
  };
  try {
    const image = given ?? (await makeImage(scratch));
    cluster =
      existing === undefined
        ? await bringUp({ name: NAME, machines: 3, ordinary: 1, image, progress })
        : { dir: existing, putAway: leave };
    project.provide('storyCluster', cluster.dir);
    project.provide('storyImage', image);
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}
