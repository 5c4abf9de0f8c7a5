/** Readers of the host's JSON. Each returns undefined for a shape it does not know; none throws. */
import { COMMAND_STATUSES, COMMAND_TYPES, UPDATE_STATES } from './port.ts';
import type { CommandResult, HostImage, OsInfo, Partition, UpdateSettings, UpdateStatus } from './port.ts';

type Json = Record<string, unknown>;

const object = (value: unknown): Json | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;

const oneOf = <T extends string>(values: readonly T[], value: unknown): T | undefined =>
  values.find((known) => known === value);

/** The parsed text, or undefined when it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not swallowed: undefined makes the caller report the text itself.
    return undefined;
  }
}

/** Absent and null are null, a known shape is its value, anything else undefined. */
function nullable<T>(value: unknown, read: (value: unknown) => T | undefined): T | null | undefined {
  return value === null || value === undefined ? null : read(value);
}

function image(value: unknown): HostImage | undefined {
  const { arch, version, variant } = object(value) ?? {};
  if (typeof arch !== 'string' || typeof version !== 'string' || typeof variant !== 'string')
    return undefined;
  return { arch, version, variant };
}

function partition(value: unknown): Partition | undefined {
  const json = object(value);
  const found = image(json?.['image']);
  const nextToBoot = json?.['next_to_boot'];
  return found && typeof nextToBoot === 'boolean' ? { image: found, nextToBoot } : undefined;
}

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
const integer = (value: unknown): number | undefined => (Number.isInteger(value) ? Number(value) : undefined);

function commandResult(value: unknown): CommandResult | undefined {
  const json = object(value) ?? {};
  const fields = {
    type: oneOf(COMMAND_TYPES, json['cmd_type']),
    status: oneOf(COMMAND_STATUSES, json['cmd_status']),
    timestamp: text(json['timestamp']),
    exitStatus: nullable(json['exit_status'], integer),
    stderr: text(json['stderr'] ?? ''),
  };
  return Object.values(fields).includes(undefined) ? undefined : (fields as CommandResult);
}

const strings = (value: unknown): string[] | undefined =>
  Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;

/** Body of GET /updates/status. */
export function parseUpdateStatus(value: unknown): UpdateStatus | undefined {
  const json = object(value);
  if (!json) return undefined;
  const updateState = oneOf(UPDATE_STATES, json['update_state']);
  const availableUpdates = strings(json['available_updates']);
  const chosenUpdate = nullable(json['chosen_update'], image);
  const activePartition = nullable(json['active_partition'], partition);
  const stagingPartition = nullable(json['staging_partition'], partition);
  const mostRecentCommand = nullable(json['most_recent_command'], commandResult);
  const images = { chosenUpdate, activePartition, stagingPartition, mostRecentCommand };
  if (!updateState || !availableUpdates || Object.values(images).includes(undefined)) return undefined;
  return { updateState, availableUpdates, ...images } as UpdateStatus;
}

/** Body of GET /os. */
export function parseOs(value: unknown): OsInfo | undefined {
  const json = object(value) ?? {};
  const [version, variant, arch] = [json['version_id'], json['variant_id'], json['arch']];
  if (typeof version !== 'string' || typeof variant !== 'string' || typeof arch !== 'string')
    return undefined;
  const pretty = json['pretty_name'];
  return { version, variant, arch, prettyName: typeof pretty === 'string' ? pretty : '' };
}

/** Body of GET /settings, of which only `updates` is read. */
export function parseSettings(value: unknown): UpdateSettings | undefined {
  const updates = object(object(value)?.['updates']);
  const [versionLock, ignoreWaves] = [updates?.['version-lock'], updates?.['ignore-waves']];
  return typeof versionLock === 'string' && typeof ignoreWaves === 'boolean'
    ? { versionLock, ignoreWaves }
    : undefined;
}

/** Body of a commit: the keys it committed. */
export const parseKeys = strings;
