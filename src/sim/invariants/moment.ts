/** What rules judge: one thing that has happened, in the world as it is right after it. */
import type { Node, Pod, PodDisruptionBudget } from '../../api/core.ts';
import type { UpdatePolicy } from '../../api/v1/updatepolicy.ts';
import type { BottlerocketShadow } from '../../api/v2/bottlerocketshadow.ts';
import type { Wants } from '../actors/wants.ts';
import type { SimCluster } from '../cluster/cluster.ts';
import type { SimulatedHost } from '../host/host.ts';
import type { PowerEvent } from '../host/power.ts';
import type { NodeHistory } from './nodehistory.ts';
import type { PolicyHistory } from './policyhistory.ts';

/** A write; without `before` the object is new, without `after` it is gone. */
export interface ChangeOf<T> {
  before: T | undefined;
  after: T | undefined;
}

/** Everything that is judged, by its kind. */
export interface Moments {
  node: ChangeOf<Node>;
  pod: ChangeOf<Pod>;
  shadow: ChangeOf<BottlerocketShadow>;
  policy: ChangeOf<UpdatePolicy>;
  budget: ChangeOf<PodDisruptionBudget>;
  /** A machine went down. */
  down: { node: string; event: PowerEvent; byOthers: boolean };
  /** A machine has booted. */
  up: { node: string; event: PowerEvent };
  /** Nothing goes wrong any more, and all that could be updated has been. */
  quiet: object;
}
export type MomentKind = keyof Moments;

/** The world, as far as rules look at it. */
export interface Setting {
  readonly cluster: SimCluster;
  /** The wall clock of the world, milliseconds since the epoch. */
  readonly now: number;
  /** Virtual milliseconds since the start. */
  readonly atMs: number;
  /** Who did it, as the cluster knows clients: `controller-0`, `apiserver-1`, `kubelet-n1`, `admin`. */
  readonly by: string;
  /** How far the clocks of the operator's processes may be off, and how late what they send may arrive. */
  readonly toleranceMs: number;
  /** How old what the operator's processes know may be. */
  readonly lagMs: number;
  /** Whether a clock of theirs was ever off by more than the tolerance: what they wrote down of time then means nothing. */
  readonly hadWrongClock: boolean;
  /** The machines by the names of their nodes. */
  readonly hosts: ReadonlyMap<string, SimulatedHost>;
  /** What policies said lately. */
  readonly policies: PolicyHistory;
  /** What others made of Nodes. */
  readonly nodes: NodeHistory;
  /** What others than the operator last said that they want, where somebody keeps record of it. */
  readonly wants: Wants | undefined;
}

type OneOf<K extends MomentKind> = Setting & Moments[K] & { readonly kind: K };
/** A moment of one of these kinds; `kind` tells which. */
export type MomentOf<K extends MomentKind> = { [Each in K]: OneOf<Each> }[K];
export type Moment = MomentOf<MomentKind>;
