/** Readers of the host's JSON. Each returns undefined for a shape it does not know; none throws. */
import { COMMAND_STATUSES, COMMAND_TYPES, UPDATE_STATES } from './port.ts';
import type { CommandResult, HostImage, OsInfo, Partition, UpdateSettings, UpdateStatus } from './port.ts';

type Json = Record<string, unknown>;

const object = (value: unknown): Json | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined;

/** Longest text of each kind that a report can hold: a longer one is nothing that a host says. */
const MAX_CHARS = { arch: 16, variant: 64, version: 64, timestamp: 64 } as const;

/** A text that fits into a report. */
const short = (value: unknown, maxChars: number): string | undefined =>
  typeof value === 'string' && value.length <= maxChars ? value : undefined;

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
  const json = object(value) ?? {};
  const arch = short(json['arch'], MAX_CHARS.arch);
  const version = short(json['version'], MAX_CHARS.version);
  const variant = short(json['variant'], MAX_CHARS.variant);
  return arch === undefined || version === undefined || variant === undefined
    ? undefined
    : { arch, version, variant };
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
    timestamp: short(json['timestamp'], MAX_CHARS.timestamp),
    exitStatus: nullable(json['exit_status'], integer),
    stderr: text(json['stderr'] ?? ''),
  };
  return Object.values(fields).includes(undefined) ? undefined : (fields as CommandResult);
}

const strings = (value: unknown): string[] | undefined =>
  Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;

const versions = (value: unknown): string[] | undefined =>
  strings(value)?.every((version) => version.length <= MAX_CHARS.version) === true
    ? strings(value)
    : undefined;

/** Body of GET /updates/status. */
export function parseUpdateStatus(value: unknown): UpdateStatus | undefined {
  const json = object(value);
  if (!json) return undefined;
  const updateState = oneOf(UPDATE_STATES, json['update_state']);
  const availableUpdates = versions(json['available_updates']);
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
  const version = short(json['version_id'], MAX_CHARS.version);
  const variant = short(json['variant_id'], MAX_CHARS.variant);
  const arch = short(json['arch'], MAX_CHARS.arch);
  if (version === undefined || variant === undefined || arch === undefined) return undefined;
  const pretty = json['pretty_name'];
  return { version, variant, arch, prettyName: typeof pretty === 'string' ? pretty : '' };
}

/** Body of GET /settings, of which only `updates` is read. */
export function parseSettings(value: unknown): UpdateSettings | undefined {
  const updates = object(object(value)?.['updates']);
  const ignoreWaves = updates?.['ignore-waves'];
  const versionLock = short(updates?.['version-lock'], MAX_CHARS.version);
  return versionLock !== undefined && typeof ignoreWaves === 'boolean'
    ? { versionLock, ignoreWaves }
    : undefined;
}

/** Body of a commit: the keys it committed. */
export const parseKeys = strings;
