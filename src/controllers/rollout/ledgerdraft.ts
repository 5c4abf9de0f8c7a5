/** The ledger of one policy while a plan is made: what was read, and what the plan changes in it. Pure. */
import { END_COUNTS } from '../../api/reasons.ts';
import type { LedgerEntry, UpdatePolicyStatus } from '../../api/v1/updatepolicy.ts';
import { countEnd, reserve } from '../../protocol/ledger.ts';
import type { Counted, Reservation } from '../../protocol/ledger.ts';
import { rfc3339 } from '../../runtime/clock.ts';
import type { NewEvent } from '../events/recorder.ts';
import type { LedgerChange } from './advance.ts';

export class LedgerDraft {
  #status: Counted;
  #isChanged = false;
  #isUrgent = false;
  /** What is said once the ledger is written. */
  readonly events: NewEvent[] = [];
  readonly #now: number;

  constructor(status: UpdatePolicyStatus | undefined, now: number) {
    const { updating, rollout, halt } = status ?? {};
    this.#status = {
      ...(updating === undefined ? {} : { updating }),
      ...(rollout === undefined ? {} : { rollout }),
      halt: halt ?? null,
    };
    this.#now = now;
  }

  get entries(): readonly LedgerEntry[] {
    return this.#status.updating ?? [];
  }

  get status(): Counted {
    return this.#status;
  }

  /** Whether the ledger must be written before anything else of this policy. */
  get isChanged(): boolean {
    return this.#isChanged;
  }

  /** Whether something waits for it that should not: a node to be started, or a failure to be counted. */
  get isUrgent(): boolean {
    return this.#isUrgent;
  }

  /** Takes in a change of one entry. */
  apply(entry: LedgerEntry, change: LedgerChange): void {
    switch (change.do) {
      case 'count': {
        const { end, untilMs, lost } = change.step;
        this.#set(
          countEnd(
            this.#status,
            { entry, reason: end, untilMs, ...(lost === undefined ? {} : { lost }) },
            this.#now,
          ),
        );
        this.events.push(...change.events);
        this.#isUrgent ||= END_COUNTS[end] === 'failure';
        return;
      }
      case 'extend':
        this.#isUrgent = true;
        this.#replace(entry, { ...entry, extended: rfc3339(change.deadlineMs) });
        return;
      case 'remove':
        this.#replace(entry, undefined);
    }
  }

  /** A person has resumed: the halt is over. */
  resume(): void {
    if (this.#status.halt !== null) this.#set({ ...this.#status, halt: null });
  }

  /** Adds entries of shadows that are in flight already. */
  adopt(entries: readonly LedgerEntry[]): void {
    if (entries.length === 0) return;
    this.#isUrgent = true;
    this.#set({ ...this.#status, updating: [...this.entries, ...entries] });
  }

  /** Takes slots. */
  reserve(reservations: readonly Reservation[]): void {
    this.adopt(reservations.map((reservation) => reserve(reservation, this.#now)));
  }

  #replace(entry: LedgerEntry, by: LedgerEntry | undefined): void {
    this.#set({
      ...this.#status,
      updating: this.entries.flatMap((each) => {
        if (each.shadowUid !== entry.shadowUid || each.attempt !== entry.attempt) return [each];
        return by === undefined ? [] : [by];
      }),
    });
  }

  #set(status: Counted): void {
    this.#status = status;
    this.#isChanged = true;
  }
}
