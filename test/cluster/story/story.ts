/** One story: what a test does to the cluster, what it waits for, and in the end all that was seen. */
import { setTimeout as delay } from 'node:timers/promises';
import { Nodes, type Node } from '../../../src/api/core.ts';
import { MARKS_ANNOTATION, NAMESPACE, RETRY_ANNOTATION } from '../../../src/api/names.ts';
import {
  UpdatePolicies,
  type UpdatePolicy,
  type UpdatePolicySpec,
} from '../../../src/api/v1/updatepolicy.ts';
import { BottlerocketShadows, type BottlerocketShadow } from '../../../src/api/v2/bottlerocketshadow.ts';
import { buildTimeline, type Timeline } from '../../../src/sim/timeline/timeline.ts';
import { writeArtifacts } from './artifacts.ts';
import type { ClusterHandle } from './handle.ts';
import { policy } from './objects.ts';
import { Recorder, type Note } from './recorder.ts';

const POLL_MS = 200;
/** Of the images of the simulated hosts. */
const HOST_IMAGE = {
  variant: 'aws-k8s-1.36',
  arch: { x64: 'x86_64', arm64: 'aarch64' }[process.arch as 'x64'] ?? 'x86_64',
};

export interface StoryText {
  title: string;
  /** What it is about, one Markdown paragraph. */
  about: string;
}

const minorOf = (version: string | null | undefined): number => Number(version?.split('.')[1] ?? 0);

/** See the head of this file. Every object it makes goes away with it. */
export class Story {
  readonly cluster: ClusterHandle;
  readonly #text: StoryText;
  readonly #recorder: Recorder;
  readonly #made: object[] = [];
  readonly #facts: string[] = [];
  #timeline: Timeline | undefined;

  private constructor(cluster: ClusterHandle, text: StoryText) {
    this.cluster = cluster;
    this.#text = text;
    this.#recorder = new Recorder(cluster);
  }

  /** Begins to watch. */
  static async begin(cluster: ClusterHandle, text: StoryText): Promise<Story> {
    const story = new Story(cluster, text);
    await story.#recorder.start();
    return story;
  }

  /** All that was seen so far; after the end, all there is. */
  get timeline(): Timeline {
    return this.#timeline ?? buildTimeline(this.#recorder.events, { endMs: Date.now() });
  }

  /** Something the test did, or saw by other means. */
  note(lane: { node: string } | { actor: string }, note: Note): void {
    this.#recorder.note(lane, note);
  }

  /** A sentence for the report. */
  tell(fact: string): void {
    this.#facts.push(fact);
  }

  /** Applies objects, which are deleted when the story ends. */
  async apply(...objects: readonly object[]): Promise<void> {
    this.#made.push(...objects);
    await this.cluster.kubectl(['apply', '-f', '-'], JSON.stringify(listOf(objects)));
  }

  /** Applies a policy that waits for nothing, with these fields beside. */
  applyPolicy(name: string, spec: UpdatePolicySpec = {}): Promise<void> {
    return this.apply(policy(name, spec));
  }

  async policy(name: string): Promise<UpdatePolicy> {
    return this.cluster.kubernetes.get(UpdatePolicies, { name });
  }

  /** The shadows by node. */
  async shadows(): Promise<Map<string, BottlerocketShadow>> {
    const { items } = await this.cluster.kubernetes.list(BottlerocketShadows, { namespace: NAMESPACE });
    return new Map(items.map((shadow) => [shadow.metadata.name.replace(/^brs-/, ''), shadow]));
  }

  /** The Bottlerocket nodes. */
  async nodes(): Promise<Node[]> {
    const { items } = await this.cluster.kubernetes.list(Nodes);
    return items.filter(({ metadata }) => this.cluster.nodes.includes(metadata.name));
  }

  /** Publishes the next minor release, and waits until every host has seen it. @returns its version */
  async publishNext(): Promise<string> {
    const running = [...(await this.shadows()).values()].map(({ status }) => status?.current_version);
    const offered = [...(await this.shadows()).values()].flatMap(
      ({ status }) => status?.host?.available ?? [],
    );
    const version = `1.${Math.max(...[...running, ...offered].map(minorOf)) + 1}.0`;
    for (const node of this.cluster.nodes) {
      await this.cluster.host(node, { do: 'publish', release: { ...HOST_IMAGE, version } });
    }
    this.note({ actor: 'releases' }, { kind: 'note', text: `${version} is published` });
    await this.waitFor(`every host is offered ${version}`, 60_000, async () =>
      [...(await this.shadows()).values()].every(
        ({ status }) => status?.host?.available?.includes(version) === true,
      ),
    );
    return version;
  }

  /** Waits until `ready`; an API server that does not answer is not ready. @throws Error naming what did not happen */
  async waitFor(what: string, timeoutMs: number, ready: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    let last: unknown;
    for (;;) {
      try {
        if (await ready()) return;
      } catch (error) {
        last = error;
      }
      if (performance.now() > deadline) {
        const message = `Not so after ${timeoutMs / 1_000} s: ${what}. Logs: ${this.cluster.logDir}`;
        throw new Error(message, { cause: last });
      }
      await delay(POLL_MS);
    }
  }

  /** Waits until these nodes, or all, run `version`, with nothing in flight and no cordon or mark of ours left. */
  async updatedTo(version: string, timeoutMs: number, nodes = this.cluster.nodes): Promise<void> {
    await this.waitFor(`${nodes.join(', ')} run ${version}`, timeoutMs, async () => {
      const shadows = await this.shadows();
      return nodes.every((node) => {
        const shadow = shadows.get(node);
        return shadow?.spec.state === 'Idle' && shadow.status?.current_version === version;
      });
    });
    await this.quiet();
  }

  /** Ends every back-off: what failed so far counts no longer, for any policy. */
  async forgive(nodes: readonly string[]): Promise<void> {
    const now = new Date().toISOString();
    await this.cluster.kubectl(['annotate', 'node', ...nodes, '--overwrite', `${RETRY_ANNOTATION}=${now}`]);
  }

  /** Waits until no node is cordoned or carries a mark of an attempt, and every node is Ready. */
  async quiet(timeoutMs = 60_000): Promise<void> {
    await this.waitFor('no node is cordoned, every node is Ready', timeoutMs, async () =>
      (await this.nodes()).every((node) => !isMarked(node) && isReady(node)),
    );
  }

  /** Puts everything away, and writes what was seen. @returns path of the report */
  async end(): Promise<string> {
    this.#timeline = this.timeline;
    const { title, about } = this.#text;
    const report = { title, intro: [about, ...this.#facts], timeline: this.#timeline };
    const path = await writeArtifacts({ ...report, events: this.#recorder.events });
    await this.#recorder.stop();
    const objects = listOf(this.#made.toReversed());
    if (this.#made.length > 0) {
      const flags = ['--ignore-not-found', '--timeout=90s'];
      await this.cluster.kubectl(['delete', '-f', '-', ...flags], JSON.stringify(objects));
    }
    return path;
  }
}

const listOf = (items: readonly object[]): object => ({ apiVersion: 'v1', kind: 'List', items });

/** Our automatic label is a mark too, and stays for the life of the node. */
const isMarked = ({ metadata, spec }: Node): boolean =>
  spec?.unschedulable === true || metadata.annotations?.[MARKS_ANNOTATION]?.includes('cordon') === true;

const isReady = ({ status }: Node): boolean =>
  status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;
