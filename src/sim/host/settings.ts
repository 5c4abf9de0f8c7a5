/** The datastore: live and pending settings, and the two configuration files rendered from them, each in its time. */
import type { Clock } from '../../runtime/clock.ts';
import type { Faults } from './faults.ts';
import { isVersionLock } from './versions.ts';

/** `settings.updates` and the little else that a model of ours knows, in the order the API prints it. */
export interface Settings {
  motd?: string;
  updates?: UpdatesSettings;
}

export interface UpdatesSettings {
  'metadata-base-url'?: string;
  'targets-base-url'?: string;
  seed?: number;
  'version-lock'?: string;
  'ignore-waves'?: boolean;
}

/** The value of one setting. */
export type Leaf = string | number | boolean;

/** What a configuration file says. */
export interface RenderedSettings {
  metadataBaseUrl: string;
  versionLock: string;
  ignoreWaves: boolean;
  seed: number;
}

/** The copies: /etc/updog.toml and /etc/thar-be-updates.toml. */
export const RENDERED_FILES = ['updog', 'dispatcher'] as const;
export type RenderedFile = (typeof RENDERED_FILES)[number];

type Check = (value: unknown) => boolean;
const isUrl: Check = (value) => typeof value === 'string' && URL.canParse(value);

const UPDATES: Readonly<Record<keyof UpdatesSettings, Check>> = {
  'metadata-base-url': isUrl,
  'targets-base-url': isUrl,
  seed: (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 32,
  'version-lock': (value) => typeof value === 'string' && isVersionLock(value),
  'ignore-waves': (value) => typeof value === 'boolean',
};

/** A body that is no Settings object; the API's words follow `Json deserialize error: `. */
export class InvalidSettings extends Error {
  override readonly name = 'InvalidSettings';
  readonly code = 'invalidSettings';
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function checkFields(fields: Record<string, unknown>, checks: Record<string, Check>): void {
  for (const [key, value] of Object.entries(fields)) {
    const check = checks[key];
    if (check === undefined) {
      const known = Object.keys(checks).map((name) => `\`${name}\``);
      throw new InvalidSettings(`unknown field \`${key}\`, expected one of ${known.join(', ')}`);
    }
    if (!check(value)) throw new InvalidSettings(`Invalid value for ${key}: ${JSON.stringify(value)}`);
  }
}

/** Reads the body of a PATCH. @throws InvalidSettings for unknown fields and invalid values. */
export function parseSettingsBody(body: unknown): Settings {
  if (!isObject(body)) throw new InvalidSettings('invalid type: expected struct Settings');
  checkFields(body, { motd: (value) => typeof value === 'string', updates: isObject });
  if (isObject(body['updates'])) checkFields(body['updates'], UPDATES);
  return body;
}

/** `settings.updates.seed` → 7, for every leaf. */
export function flatten(settings: Settings): Map<string, Leaf> {
  const leaves = new Map<string, Leaf>();
  if (settings.motd !== undefined) leaves.set('settings.motd', settings.motd);
  for (const key of Object.keys(UPDATES) as (keyof UpdatesSettings)[]) {
    const value = settings.updates?.[key];
    if (value !== undefined) leaves.set(`settings.updates.${key}`, value);
  }
  return leaves;
}

/** The inverse of `flatten`. */
export function nest(leaves: Iterable<[string, Leaf]>): Settings {
  const settings: Record<string, unknown> = {};
  for (const [name, value] of leaves) {
    const [, first = '', second] = name.split('.');
    if (second === undefined) settings[first] = value;
    else settings[first] = { ...(settings[first] as object | undefined), [second]: value };
  }
  return settings;
}

export interface SettingsStoreOptions {
  clock: Clock;
  faults: Faults;
  live: Settings;
  /** How long each file lags behind a commit; asked at each. */
  renderMs: (file: RenderedFile) => number;
}

/** See the head of this file. */
export class SettingsStore {
  readonly #options: SettingsStoreOptions;
  #live: Map<string, Leaf>;
  readonly #pending = new Map<string, Map<string, Leaf>>();
  #rendered: Record<RenderedFile, RenderedSettings>;
  #rendering = new AbortController();

  constructor(options: SettingsStoreOptions) {
    this.#options = options;
    this.#live = flatten(options.live);
    this.#rendered = { updog: this.current(), dispatcher: this.current() };
  }

  /** Committed values. */
  get live(): ReadonlyMap<string, Leaf> {
    return this.#live;
  }

  /** What a configuration file says now. */
  rendered(file: RenderedFile): RenderedSettings {
    return this.#rendered[file];
  }

  /** Names of transactions with something in them. */
  transactions(): string[] {
    return [...this.#pending.keys()];
  }

  pending(tx: string): ReadonlyMap<string, Leaf> {
    return this.#pending.get(tx) ?? new Map();
  }

  /** Adds to a transaction, which springs into being. */
  patch(tx: string, settings: Settings): void {
    const leaves = flatten(settings);
    if (leaves.size === 0) return;
    this.#pending.set(tx, new Map([...this.pending(tx), ...leaves]));
  }

  /** @returns the dropped keys. */
  drop(tx: string): string[] {
    const keys = [...this.pending(tx).keys()];
    this.#pending.delete(tx);
    return keys;
  }

  /** @returns the committed keys, or undefined when nothing was pending. A value equal to the live one counts. */
  commit(tx: string): string[] | undefined {
    const pending = this.#pending.get(tx);
    if (pending === undefined) return undefined;
    this.#pending.delete(tx);
    this.#live = new Map([...this.#live, ...pending]);
    return [...pending.keys()];
  }

  /** Starts to rewrite the configuration files: no completion signal, no error report. */
  apply(): void {
    for (const file of RENDERED_FILES) void this.#renderLater(file);
  }

  /** What a boot does to the datastore: pending transactions go, files are written from what is live. */
  boot(): void {
    this.#rendering.abort();
    this.#rendering = new AbortController();
    this.#pending.clear();
    this.#rendered = { updog: this.current(), dispatcher: this.current() };
  }

  async #renderLater(file: RenderedFile): Promise<void> {
    const { clock, faults, renderMs } = this.#options;
    const never = faults.active('settingsRenderNever');
    if (never && (never.which ?? file) === file) return;
    const delay = faults.active('settingsRenderDelay');
    const extraMs = delay && (delay.which ?? file) === file ? (delay.ms ?? 10_000) : 0;
    const { signal } = this.#rendering;
    try {
      await clock.sleep(renderMs(file) + extraMs, signal);
    } catch {
      return; // Cut off by a boot, which renders everything.
    }
    this.#rendered[file] = this.current();
  }

  /** What a configuration file rendered now would say. */
  current(): RenderedSettings {
    return {
      metadataBaseUrl: String(this.#live.get('settings.updates.metadata-base-url') ?? ''),
      versionLock: String(this.#live.get('settings.updates.version-lock') ?? 'latest'),
      ignoreWaves: this.#live.get('settings.updates.ignore-waves') === true,
      seed: Number(this.#live.get('settings.updates.seed') ?? 0),
    };
  }
}
