/** Annotations that people write, or change under our hands. */
import * as fc from 'fast-check';
import type { Node } from '../../../src/api/core.ts';
import { Nodes } from '../../../src/api/core.ts';
import {
  EXCLUDE_ANNOTATION,
  MARKS_ANNOTATION,
  RESUME_ANNOTATION,
  RETRY_ANNOTATION,
  RUN_NOW_ANNOTATION,
} from '../../../src/api/names.ts';
import type { BottlerocketShadow } from '../../../src/api/v2/bottlerocketshadow.ts';
import { nodeControls, policyControls } from '../../../src/policy/annotations.ts';
import { PolicyTextError } from '../../../src/policy/errors.ts';
import { parseInstant } from '../../../src/policy/instant.ts';
import type { NodePatch } from '../../../src/protocol/marks.ts';
import {
  cordonMarkOf,
  cordonOf,
  currentValue,
  isAttemptMark,
  readMarks,
  releaseCordon,
  setMark,
  undoMarks,
  undoStrayMarks,
} from '../../../src/protocol/marks.ts';
import { KubernetesError, type KubeObject } from '../../../src/runtime/kubernetes.ts';
import { VirtualClock } from '../../../src/sim/clock.ts';
import { SimCluster } from '../../../src/sim/cluster/cluster.ts';
import type { ApiObject } from '../../../src/sim/cluster/object.ts';
import { patch } from '../../../src/sim/cluster/patch.ts';
import { jsonTexts } from '../../support/draw/jsontext.ts';
import { instants, labelKeys, labelValues, long, nearly, noise } from '../../support/draw/texts.ts';
import { attempt, must, target } from '../target.ts';

const NOW = Date.UTC(2026, 5, 1);
const written = fc.option(
  fc.oneof(nearly(instants), nearly(fc.constantFrom('true', 'false', 'TRUE', 'yes', '')), noise, long),
  { nil: undefined },
);

const isText = (error: unknown): boolean => error instanceof PolicyTextError;
const instantOf = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : attempt(() => parseInstant(text), isText);

export const controls = target({
  name: 'annotations that ask for something: exclude, run-now, retry, resume',
  share: 10_000,
  inputs: fc.record({ exclude: written, runNow: written, retry: written, resume: written }),
  check: ({ exclude, runNow, retry, resume }) => {
    const annotations = Object.fromEntries(
      Object.entries({
        [EXCLUDE_ANNOTATION]: exclude,
        [RUN_NOW_ANNOTATION]: runNow,
        [RETRY_ANNOTATION]: retry,
        [RESUME_ANNOTATION]: resume,
      }).filter(([, text]) => text !== undefined),
    ) as Record<string, string>;
    const found = nodeControls(annotations, NOW);
    must(found.excluded === (exclude !== undefined && exclude !== 'false'), 'what is not "false" excludes', {
      exclude,
    });
    must(found.runNowUntilMs === instantOf(runNow), 'only an instant opens a window', { runNow });
    must(found.retryAtMs === undefined || found.retryAtMs <= NOW, 'a retry is no promise', { retry });
    must(found.retryAtMs === undefined || found.retryAtMs === instantOf(retry), 'only an instant clears', {
      retry,
    });
    const { resumeAtMs } = policyControls(annotations, NOW);
    must(
      resumeAtMs === undefined || (resumeAtMs <= NOW && resumeAtMs === instantOf(resume)),
      'only an instant of the past resumes',
      { resume },
    );
  },
});

const value = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<unknown[]>(true, false, null) },
  { weight: 3, arbitrary: labelValues },
  { weight: 1, arbitrary: fc.oneof(noise, fc.constantFrom<unknown[]>(5, {}, [])) },
);
const owner = fc.oneof(
  fc.record({ shadowUid: fc.constantFrom('s1', 's2'), attempt: fc.nat(4) }),
  fc.constantFrom<unknown[]>(null, 'x', {}, { shadowUid: 's1' }, { shadowUid: 's1', attempt: 'x' }),
);
const mark = fc
  .tuple(
    fc.record({ ours: value, was: value, at: fc.oneof(instants, noise) }),
    fc.constantFrom({}, {}, { released: true }, { released: 'x' }),
    fc.option(owner),
  )
  .map(([base, more, by]) => ({ ...base, ...more, ...(by !== null && { owner: by }) }));
const markKey = fc.oneof(
  { weight: 3, arbitrary: fc.constant('cordon') },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constantFrom('label', 'annotation'), labelKeys).map((parts) => parts.join('/')),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      `annotation/${MARKS_ANNOTATION}`,
      'label/',
      'taint/a',
      'label',
      '__proto__',
      'constructor',
    ),
  },
  { weight: 1, arbitrary: noise },
);
const marks = jsonTexts(fc.dictionary(markKey, mark, { maxKeys: 4, noNullPrototype: true }));

const cluster = new SimCluster({ clock: new VirtualClock() });

/** Whether a patch of ours would be taken by the API server; a node whose marks cannot be undone stays cordoned. */
function mustBeTaken(node: Node, change: NodePatch | undefined): void {
  if (change === undefined) return;
  const { server } = cluster;
  try {
    patch(server, server.store.table(Nodes), {
      key: { name: node.metadata.name },
      body: change,
      dryRun: true,
    });
  } catch (error) {
    must(!(error instanceof KubernetesError), 'a patch of ours is taken', { change, error: String(error) });
    throw error;
  }
}

/** Only keys that are recorded, and the record itself. */
function mustKeepToItself(node: Node, change: NodePatch | undefined, extra: readonly string[] = []): void {
  if (change === undefined) return;
  const keys = [...Object.keys(readMarks(node).marks), ...extra];
  const { labels = {}, annotations = {} } = change.metadata;
  for (const name of Object.keys(labels))
    must(keys.includes(`label/${name}`), 'no other label is touched', { name });
  for (const name of Object.keys(annotations))
    must(name === MARKS_ANNOTATION || keys.includes(`annotation/${name}`), 'no other annotation is touched', {
      name,
    });
  must(change.spec === undefined || keys.includes('cordon'), 'no other cordon is touched');
}

const NAME = 'fuzz';
let stored: ApiObject = { ...cluster.add(Nodes, { metadata: { name: NAME } }) };

export const marksOfNodes = target({
  name: 'the annotation with our marks, as people leave it',
  share: 8_000,
  inputs: fc.record({
    text: marks,
    unschedulable: fc.boolean(),
    labels: fc.constantFrom({}, { a: '1' }, { a: '', b: '2' }),
    owner: fc.record({ shadowUid: fc.constantFrom('s1', 's2'), attempt: fc.nat(4) }),
    hasEntry: fc.boolean(),
  }),
  check: ({ text, unschedulable, labels, owner: by, hasEntry }) => {
    const { server } = cluster;
    const object: ApiObject = {
      ...stored,
      metadata: { ...stored.metadata, labels, annotations: { [MARKS_ANNOTATION]: text } },
      spec: { unschedulable },
    };
    stored = server.store.put(server.store.table(Nodes), object, stored);
    const node: Node = stored as KubeObject;
    const { marks: found, error } = readMarks(node);
    const undone = undoMarks(node, () => true);
    const shadow: BottlerocketShadow = {
      metadata: { name: 'brs-fuzz', uid: by.shadowUid },
      spec: { state: 'Idle', attempt: by.attempt },
    };
    const stray = undoStrayMarks(node, { shadow, hasEntry });
    const set = setMark(node, 'cordon', { value: true, at: '2026-06-01T00:00:00Z', owner: by });
    for (const change of [undone, undoMarks(node, isAttemptMark, by), stray, releaseCordon(node)]) {
      mustKeepToItself(node, change);
      mustBeTaken(node, change);
    }
    mustKeepToItself(node, set, ['cordon']);
    mustBeTaken(node, set);
    cordonMarkOf(node, by);
    const cordon = cordonOf(node);
    if (error !== undefined) {
      must(
        undone === undefined && set === undefined && stray === undefined,
        'what cannot be read is left alone',
      );
      must(cordon.by === (unschedulable ? 'others' : 'none'), 'a cordon nobody can read is somebody else’s', {
        cordon,
      });
    }
    must(
      Object.getPrototypeOf(found) === Object.prototype || Object.getPrototypeOf(found) === null,
      'no mark becomes a prototype',
    );
    for (const key of Object.keys(found)) currentValue(node, key);
  },
});
