/** The shape of a rule. */
import type { Moment, MomentKind, MomentOf } from './moment.ts';

/** What a rule says of a moment: undefined = nothing to judge, '' = all is well, else what is wrong. */
export type Verdict = string | undefined;

/** Judges moments one after the other; it may remember. */
export type Judge = (moment: Moment) => Verdict;

/** One thing that must never happen. */
export interface InvariantRule {
  /** Unique; what reports and shrinking go by. */
  readonly name: string;
  /** Number in the design, section 10. */
  readonly invariant: number;
  /** Kinds of moments it is asked about. */
  readonly of: readonly MomentKind[];
  /** A judge with an empty memory, for one world. */
  begin(): Judge;
}

/** Makes a rule. */
export const rule = <K extends MomentKind>(
  about: { name: string; invariant: number; of: readonly K[] },
  begin: () => (moment: MomentOf<K>) => Verdict,
): InvariantRule => ({
  ...about,
  // The monitor asks a judge only about the kinds it names.
  begin: begin as unknown as () => Judge,
});

/** A rule without a memory. */
export const plainRule = <K extends MomentKind>(
  about: { name: string; invariant: number; of: readonly K[] },
  judge: (moment: MomentOf<K>) => Verdict,
): InvariantRule => rule(about, () => judge);
