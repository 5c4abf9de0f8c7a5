/** How many nodes at a time: slots, unavailable nodes, failure domains. */
import type { LedgerPhase } from '../api/v1/updatepolicy.ts';
import { block, some } from './block.ts';
import type { Block } from './block.ts';
import type { EffectiveTopology } from './effective.ts';
import { PolicyTextError } from './errors.ts';

/** Most entries the ledger of one policy holds. */
export const MAX_LEDGER = 2_000;

/**
 * The number that a limit means for `total` nodes: a percentage is rounded down, but is at least 1 above 0%; "100%" is
 * no limit, Infinity; 0 is none.
 *
 * @throws PolicyTextError `limit`.
 */
export function resolveLimit(limit: number | string, total: number): number {
  if (typeof limit === 'number') {
    if (Number.isInteger(limit) && limit >= 0) return limit;
    throw limitError(String(limit));
  }
  const percent = Number(/^(\d{1,3})%$/.exec(limit)?.[1] ?? Number.NaN);
  if (Number.isNaN(percent) || percent > 100) throw limitError(limit);
  if (percent === 100) return Number.POSITIVE_INFINITY;
  return percent === 0 ? 0 : Math.max(1, Math.floor((percent * total) / 100));
}

const limitError = (text: string): PolicyTextError =>
  new PolicyTextError(
    'limit',
    text,
    'is neither a whole number from 0 nor a percentage from "0%" to "100%": write one like 4 or "25%"',
  );

/** What of a node counts as unavailable. */
export interface AvailabilityFacts {
  readonly name: string;
  readonly ready: boolean;
  /** Cordoned, whoever did it. */
  readonly unschedulable: boolean;
  /** Has a deletion timestamp. */
  readonly deleting: boolean;
}

/** The selected nodes that are not Ready, cordoned or being deleted; Budget adds those that are being updated. */
export function unavailableNodes(selected: Iterable<AvailabilityFacts>): Set<string> {
  const names = new Set<string>();
  for (const { name, ready, unschedulable, deleting } of selected)
    if (!ready || unschedulable || deleting) names.add(name);
  return names;
}

/** One slot of the ledger, as the budget sees it. */
export interface TakenSlot {
  readonly node: string;
  readonly phase: LedgerPhase;
}

export interface BudgetInput {
  /** Resolved spec.maxConcurrentUpdates; Infinity = no limit. */
  readonly limit: number;
  /** Resolved spec.maxUnavailable; Infinity = not limited. */
  readonly maxUnavailable: number;
  readonly topology: EffectiveTopology | null;
  readonly ledger: readonly TakenSlot[];
  /** Selected nodes that another policy is still updating: they count, though they are not in the ledger. */
  readonly usedByOthers: readonly string[];
  /** See unavailableNodes; the nodes of the ledger and of `usedByOthers` are added to them. */
  readonly unavailable: ReadonlySet<string>;
  /** The failure domain of a node: its label of `topology.key`, "" without; undefined for a node that is gone. */
  readonly domainOf: (node: string) => string | undefined;
}

/**
 * The budget of one policy while one plan is made: it starts from what is taken and counts what the plan adds. A
 * Failed entry holds its slot until it is put back, so a failed node never makes room for the next healthy one; a
 * Lost one is outside the limit, but the machine that is away still counts in its domain and as unavailable.
 */
export class Budget {
  readonly limit: number;
  readonly #input: BudgetInput;
  readonly #holders: Set<string>;
  readonly #unavailable: Set<string>;
  readonly #byDomain = new Map<string, Set<string>>();
  #entries: number;
  /** By what they are about; the same text for every node that waits, until a slot is taken or put back. */
  readonly #said = new Map<string, Block>();

  constructor(input: BudgetInput) {
    this.#input = input;
    this.limit = input.limit;
    const within = input.ledger.filter(({ phase }) => phase !== 'Lost').map(({ node }) => node);
    this.#holders = new Set([...within, ...input.usedByOthers]);
    this.#unavailable = new Set(input.unavailable);
    this.#entries = input.ledger.length;
    for (const node of [...input.ledger.map((entry) => entry.node), ...input.usedByOthers]) {
      this.#unavailable.add(node);
      this.#enter(node);
    }
  }

  /** Slots taken, those of this plan included. */
  get used(): number {
    return this.#holders.size;
  }

  /** Takes a slot for a node that the plan starts. */
  take(node: string): void {
    this.#holders.add(node);
    this.#unavailable.add(node);
    this.#entries += 1;
    this.#enter(node);
    this.#said.clear();
  }

  /**
   * Takes a node that the plan puts back out of maxUnavailable and its domain, so that where one had to go not all
   * are put back. Its slot is held until it is back.
   *
   * @param unavailableAnyway whether it stays unavailable for another reason, such as not being Ready.
   */
  putBack(node: string, unavailableAnyway: boolean): void {
    if (!unavailableAnyway) this.#unavailable.delete(node);
    this.#byDomain.get(this.#input.domainOf(node) ?? '')?.delete(node);
    this.#said.clear();
  }

  /** Whether there is no slot for one more node. */
  slot(): Block | undefined {
    if (this.#holders.size < this.limit) return undefined;
    return this.#say('slots', () =>
      block(
        'NoSlot',
        this.limit === 0
          ? 'spec.maxConcurrentUpdates allows no node.'
          : `${this.#holders.size} of ${this.limit} slots are taken, by ${some([...this.#holders].toSorted())}.`,
      ),
    );
  }

  /** Whether the ledger holds no further entry. */
  ledger(): Block | undefined {
    return this.#entries < MAX_LEDGER
      ? undefined
      : block('LedgerFull', `The ledger holds ${this.#entries} nodes.`);
  }

  /** Whether one more unavailable node would be too many; one that is unavailable already adds none. */
  unavailable(node: string): Block | undefined {
    const after = this.#unavailable.size + (this.#unavailable.has(node) ? 0 : 1);
    return after <= this.#input.maxUnavailable ? undefined : this.#tooManyUnavailable();
  }

  /** The same for a node that holds its slot already. */
  stillUnavailable(): Block | undefined {
    return this.#unavailable.size <= this.#input.maxUnavailable ? undefined : this.#tooManyUnavailable();
  }

  /** Whether the failure domain of a node has no room, or too many other domains are being worked on. */
  topology(node: string): Block | undefined {
    const { topology } = this.#input;
    if (topology === null) return undefined;
    const domain = this.#input.domainOf(node) ?? '';
    const there = this.#byDomain.get(domain)?.size ?? 0;
    if (there >= topology.maxConcurrentUpdates) return this.#domainFull(topology, domain);
    if (there > 0 || topology.maxDomains === 0) return undefined;
    const active = [...this.#byDomain].filter(([, nodes]) => nodes.size > 0).map(([name]) => name);
    if (active.length < topology.maxDomains) return undefined;
    return this.#say('domains', () =>
      block(
        'TopologyLimit',
        `${active.length} of ${topology.maxDomains} values of ${topology.key} are being worked on: ${some(active.map(shown).toSorted())}.`,
      ),
    );
  }

  /** The cap of the domain, for a node that counts in it already. */
  stillTopology(node: string): Block | undefined {
    const { topology } = this.#input;
    if (topology === null) return undefined;
    const domain = this.#input.domainOf(node) ?? '';
    const there = this.#byDomain.get(domain)?.size ?? 0;
    return there <= topology.maxConcurrentUpdates ? undefined : this.#domainFull(topology, domain);
  }

  #enter(node: string): void {
    const domain = this.#input.domainOf(node);
    if (domain === undefined) return;
    const nodes = this.#byDomain.get(domain);
    if (nodes === undefined) this.#byDomain.set(domain, new Set([node]));
    else nodes.add(node);
  }

  #domainFull(topology: EffectiveTopology, domain: string): Block {
    return this.#say(`domain ${domain}`, () => {
      const nodes = [...(this.#byDomain.get(domain) ?? [])].toSorted();
      return block(
        'TopologyLimit',
        `${nodes.length} of ${topology.maxConcurrentUpdates} nodes with ${topology.key} ${shown(domain)} are being updated: ${some(nodes)}.`,
      );
    });
  }

  #tooManyUnavailable(): Block {
    return this.#say('unavailable', () => {
      const nodes = [...this.#unavailable].toSorted();
      return block(
        'MaxUnavailable',
        `${nodes.length} selected nodes are unavailable or being updated, spec.maxUnavailable is ${this.#input.maxUnavailable}: ${some(nodes)}.`,
      );
    });
  }

  #say(about: string, make: () => Block): Block {
    const said = this.#said.get(about) ?? make();
    this.#said.set(about, said);
    return said;
  }
}

const shown = (domain: string): string => (domain === '' ? '(none)' : domain);
