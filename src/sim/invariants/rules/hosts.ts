/** Invariants 5 and 9, on the hosts themselves: settings are given back, and machines reboot once, when they were told to. */
import { BottlerocketShadows } from '../../../api/v2/bottlerocketshadow.ts';
import type { BottlerocketShadow } from '../../../api/v2/bottlerocketshadow.ts';
import type { SimulatedHost } from '../../host/host.ts';
import type { MomentOf, Setting } from '../moment.ts';
import { entryOf, nodeNameOf, openIntent, shadowOf } from '../reading.ts';
import { rule } from '../rule.ts';
import type { Verdict } from '../rule.ts';

const LOCK = 'settings.updates.version-lock';
const WAVES = 'settings.updates.ignore-waves';

/** What a host was set to before any attempt, and what attempts were for. */
interface Known {
  lock: unknown;
  waves: unknown;
  targets: Set<string>;
}

class Settings {
  readonly #known = new WeakMap<SimulatedHost, Known>();

  note({ before, after, hosts }: MomentOf<'shadow'>): void {
    const either = after ?? before;
    const host = either === undefined ? undefined : hosts.get(nodeNameOf(either));
    if (host === undefined) return;
    // With a shadow that is removed goes the only record of what was there before.
    if (after === undefined) return void this.#known.delete(host);
    let known = this.#known.get(host);
    if (known === undefined) {
      const { live } = host.settings;
      known = { lock: live.get(LOCK), waves: live.get(WAVES), targets: new Set() };
      this.#known.set(host, known);
    }
    if (after.spec.version) known.targets.add(after.spec.version);
  }

  /** What is left of an attempt on a host. */
  leftOn(host: SimulatedHost): 'lock' | 'waves' | undefined {
    const known = this.#known.get(host);
    if (known === undefined) return undefined;
    const lock = host.settings.live.get(LOCK);
    if (lock !== known.lock && known.targets.has(String(lock))) return 'lock';
    return host.settings.live.get(WAVES) === known.waves ? undefined : 'waves';
  }
}

/** A host's lock is held for minutes, not across the reboot; when things are quiet all of its settings are as before. */
export const settingsAreGivenBack = rule(
  { name: 'settingsAreGivenBack', invariant: 5, of: ['shadow', 'down', 'quiet'] },
  () => {
    const settings = new Settings();
    const atQuiet = (moment: MomentOf<'quiet'>): Verdict => {
      const { hosts, cluster } = moment;
      for (const shadow of cluster.peekAll(BottlerocketShadows)) {
        const host = hosts.get(nodeNameOf(shadow));
        if (host === undefined || shadow.spec.state !== 'Idle' || entryOf(moment, shadow.metadata.uid))
          continue;
        const left = settings.leftOn(host);
        const isAsked = left === 'waves' && shadow.spec.host?.waves === 'Ignore';
        if (left !== undefined && !isAsked) return `${nodeNameOf(shadow)} is left with its ${left} changed`;
      }
      return '';
    };
    return (moment): Verdict => {
      if (moment.kind === 'quiet') return atQuiet(moment);
      if (moment.kind === 'shadow') {
        settings.note(moment);
        return undefined;
      }
      if (moment.byOthers) return undefined;
      const host = moment.hosts.get(moment.node);
      const left = host === undefined ? undefined : settings.leftOn(host);
      return left === 'lock' ? `${moment.node} reboots with its version-lock set by us` : '';
    };
  },
);

/** An intent that was accepted, by the boot it is about. */
interface Accepted {
  attempt: string;
  isOpen: boolean;
}

class Intents {
  readonly #byBoot = new Map<string, Accepted>();
  readonly #rebooted = new Set<string>();

  note({ before, after }: MomentOf<'shadow'>): void {
    const [old, next] = [openIntent(before), openIntent(after)];
    if (next !== undefined && after !== undefined) {
      this.#byBoot.set(next.bootId, { attempt: attemptOf(after), isOpen: true });
    }
    const closed = old === undefined || after === undefined ? undefined : this.#byBoot.get(old.bootId);
    if (closed !== undefined && next?.bootId !== old?.bootId) closed.isOpen = false;
  }

  ofBoot(bootId: string): Accepted | undefined {
    return this.#byBoot.get(bootId);
  }

  /** @returns whether this is the first reboot of the attempt */
  reboot({ attempt }: Accepted): boolean {
    const isFirst = !this.#rebooted.has(attempt);
    this.#rebooted.add(attempt);
    return isFirst;
  }
}

const attemptOf = ({ metadata, spec }: BottlerocketShadow): string =>
  `${metadata.uid ?? ''}/${spec.attempt ?? 0}`;

/** A machine is rebooted only for an open intent of that very boot, and once for an attempt. */
export const rebootsAreIntended = rule(
  { name: 'rebootsAreIntended', invariant: 9, of: ['shadow', 'down'] },
  () => {
    const intents = new Intents();
    return (moment): Verdict => {
      if (moment.kind === 'shadow') {
        intents.note(moment);
        return undefined;
      }
      const intent = intents.ofBoot(moment.event.previous.bootId);
      // An attempt that was about to reboot it has had its reboot, whoever did it.
      if (moment.byOthers) {
        if (intent?.isOpen === true) intents.reboot(intent);
        return undefined;
      }
      if (intent === undefined) return `${moment.node} rebooted without an open intent`;
      if (!intent.isOpen) return `${moment.node} rebooted after its intent was closed`;
      return intents.reboot(intent) ? '' : `${moment.node} rebooted twice for one attempt`;
    };
  },
);

/** What a machine runs after we rebooted it is what the attempt was for, or what it ran before. */
export const bootsAreOfTheAttempt = rule(
  { name: 'bootsAreOfTheAttempt', invariant: 6, of: ['down', 'up'] },
  () => {
    const expected = new Map<string, Set<string>>();
    return (moment): Verdict => {
      const { node, event } = moment;
      if (moment.kind === 'down') {
        const target = targetOf(moment, node);
        if (moment.byOthers || target === undefined) expected.delete(node);
        else expected.set(node, new Set([target, event.previous.version]));
        return undefined;
      }
      const allowed = expected.get(node);
      expected.delete(node);
      if (allowed === undefined) return undefined;
      return allowed.has(event.version)
        ? ''
        : `${node} came up with ${event.version}, which nobody asked for`;
    };
  },
);

const targetOf = (setting: Setting, node: string): string | undefined =>
  openIntent(shadowOf(setting, node))?.version;
