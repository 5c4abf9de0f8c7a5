/** The newest shadow this agent knows of; it never goes back to an older one (protocol 2). */
import type { StatusReport, WireShadow } from '../api/wire.ts';

/** How many shadows of the past are remembered, so that a late event of one is not taken for its successor. */
const PAST_LIMIT = 16;

const seqOf = (shadow: WireShadow): number => shadow.status?.host?.seq ?? 0;

/** What makes two states of a shadow different for this agent; the echo of its own report is no news. */
const gist = ({ metadata: { uid, generation, deletionTimestamp }, ...rest }: WireShadow): string =>
  [uid, generation, deletionTimestamp ?? '', rest.status?.host?.seq ?? 0].join(' ');

/** See the head of this file. */
export class ShadowCache {
  #current: WireShadow | undefined;
  /** Highest generation seen of each uid; the present one is last. */
  readonly #generations = new Map<string, number>();
  readonly #changed: () => void;

  /** @param changed called whenever there are news: another spec, another report, or no shadow any more. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get current(): WireShadow | undefined {
    return this.#current;
  }

  /**
   * Takes a shadow unless it is older than what is known. `live` = read from the API server just now: the truth about
   * the status, but for the generation the same rule holds.
   * @returns whether it was taken.
   */
  offer(shadow: WireShadow, live = false): boolean {
    const { uid, generation } = shadow.metadata;
    if (this.#isOfThePast(uid) || generation < (this.#generations.get(uid) ?? 0)) return false;
    const known = this.#current;
    const isSame = known?.metadata.uid === uid && known.metadata.generation === generation;
    if (isSame && !live && seqOf(shadow) < seqOf(known)) return false;
    this.#take(shadow);
    return true;
  }

  /** A report was accepted: the status is what it said. Without effect when the shadow has moved on meanwhile. */
  recorded(report: StatusReport): void {
    const known = this.#current;
    if (known?.metadata.uid !== report.uid || seqOf(known) >= report.seq) return;
    const { uid, generation, seq, current_state, current_version, target_version } = report;
    const host = { ...report.host, uid, generation, seq };
    this.#take({ ...known, status: { current_state, current_version, target_version, host } });
  }

  /** The shadow was deleted. */
  gone(): void {
    if (this.#current === undefined) return;
    this.#current = undefined;
    this.#changed();
  }

  /** A uid that was followed by another one. */
  #isOfThePast(uid: string): boolean {
    const known = [...this.#generations.keys()];
    return known.includes(uid) && known.at(-1) !== uid;
  }

  #take(shadow: WireShadow): void {
    const isNews = this.#current === undefined || gist(this.#current) !== gist(shadow);
    this.#current = shadow;
    this.#generations.set(shadow.metadata.uid, shadow.metadata.generation);
    const [oldest] = this.#generations.keys();
    if (this.#generations.size > PAST_LIMIT && oldest !== undefined) this.#generations.delete(oldest);
    if (isNews) this.#changed();
  }
}
