/**
 * Tells what happens in a world, as a person would. A fact is a sentence about an object as it is; it is told when it
 * becomes another.
 */
import { Nodes, Pods } from '../../api/core.ts';
import { UpdatePolicies } from '../../api/v1/updatepolicy.ts';
import { BottlerocketShadows } from '../../api/v2/bottlerocketshadow.ts';
import type { KubeObject, Resource } from '../../runtime/kubernetes.ts';
import type { Change } from '../../sim/cluster/table.ts';
import type { World } from '../world/world.ts';

/** One sentence. */
export interface Told {
  /** Virtual milliseconds since the start. */
  atMs: number;
  /** The node or the policy it is about. */
  about: string;
  text: string;
}

/** A sentence about the object as it is; undefined when there is nothing to say. */
type Fact<T> = (object: T) => string | null | undefined;

/** What is told of a kind. */
interface Narration<T extends KubeObject> {
  resource: Resource<T>;
  about: (object: T) => string;
  facts: Fact<T>[];
}

const narration = <T extends KubeObject>(of: Narration<T>): Narration<KubeObject> =>
  // The store hands each kind its own objects.
  of as unknown as Narration<KubeObject>;

const NARRATIONS: readonly Narration<KubeObject>[] = [
  narration({
    resource: Nodes,
    about: ({ metadata }) => metadata.name,
    facts: [
      ({ spec }) => (spec?.unschedulable === true ? 'is cordoned' : 'is schedulable'),
      ({ status }) => {
        const ready = status?.conditions?.find(({ type }) => type === 'Ready')?.status;
        return ready === 'True' ? 'is Ready' : 'is not Ready';
      },
      ({ status }) => status?.nodeInfo?.osImage && `runs ${status.nodeInfo.osImage}`,
    ],
  }),
  narration({
    resource: BottlerocketShadows,
    about: ({ metadata }) => metadata.name.replace(/^brs-/, ''),
    facts: [
      ({ spec: { state, version, attempt } }) =>
        state === 'Idle' ? 'is told Idle' : `is told ${state} (${version ?? '?'}, attempt ${attempt ?? '?'})`,
      ({ status }) => status?.current_state && `says ${status.current_state}`,
      ({ status }) => status?.update && `shows ${status.update.reason}: ${status.update.message}`,
      ({ status }) => status?.host?.rebootIntent && 'may reboot: its intent is written',
      ({ status }) =>
        status?.host?.error && `reports ${status.host.error.code}: ${status.host.error.message}`,
    ],
  }),
  narration({
    resource: Pods,
    about: ({ spec }) => spec?.nodeName ?? 'pods',
    facts: [
      ({ metadata }) =>
        metadata.deletionTimestamp && `${metadata.namespace ?? ''}/${metadata.name} has to go`,
    ],
  }),
  narration({
    resource: UpdatePolicies,
    about: ({ metadata }) => `policy ${metadata.name}`,
    facts: [
      ({ status }) =>
        `holds slots for ${(status?.updating ?? []).map(({ node, phase }) => `${node} ${phase}`).join(', ') || 'nobody'}`,
      ({ status }) => status?.halt && `is halted: ${JSON.stringify(status.halt)}`,
    ],
  }),
];

/** Tells of everything in the world from now on. */
export function narrate(world: World, tell: (told: Told) => void): void {
  const say = (about: string, text: string): void => tell({ atMs: world.clock.monotonic(), about, text });
  const narrations = new Map(NARRATIONS.map((each) => [each.resource.plural, each]));
  const onChange = ({ about, facts }: Narration<KubeObject>, { type, object, previous }: Change): void => {
    const after = object as unknown as KubeObject;
    if (type === 'DELETED') return say(about(after), `${after.metadata.name} is gone`);
    for (const fact of facts) {
      const text = fact(after);
      const before = previous === undefined ? undefined : fact(previous);
      if (typeof text === 'string' && text !== before) say(about(after), text);
    }
  };
  world.cluster.server.store.subscribe((change, table) => {
    const found = narrations.get(table.definition.resource.plural);
    if (found !== undefined) onChange(found, change);
  });
  world.onPower((name, { type }) => say(name, `has its power ${type}`));
}

/** `12:34.567 n1 is cordoned`: minutes, seconds and milliseconds since the start. */
export function toldLine({ atMs, about, text }: Told): string {
  const minutes = String(Math.floor(atMs / 60_000)).padStart(3);
  const seconds = ((atMs % 60_000) / 1000).toFixed(3).padStart(6, '0');
  return `${minutes}:${seconds}  ${about.padEnd(12)} ${text}`;
}
