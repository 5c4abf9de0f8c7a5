/** The status file of thar-be-updates, as the host writes it and as the API prints it. */
import type { Image } from './versions.ts';

export type HostUpdateState = 'Idle' | 'Available' | 'Staged' | 'Ready';
export type Command = 'refresh' | 'prepare' | 'activate' | 'deactivate';

export interface BootImage {
  image: Image;
  next_to_boot: boolean;
}

/** Keys in the host's order. */
export interface StatusFile {
  update_state: HostUpdateState;
  available_updates: string[];
  chosen_update: Image | null;
  active_partition: BootImage | null;
  staging_partition: BootImage | null;
  most_recent_command: CommandRecord | null;
}

export interface CommandRecord {
  cmd_type: Command;
  cmd_status: 'Success' | 'Failed';
  timestamp: string;
  /** Or the signal's number, when the updater was killed. */
  exit_status: number;
  stderr: string;
}

/** RFC 3339 as Rust's chrono prints it: nine fractional digits, cut to six, three or none when the rest is zero. */
export function chronoTimestamp(ms: number, nanos: number): string {
  const base = new Date(ms).toISOString().slice(0, 19);
  const fraction = String((((ms % 1000) + 1000) % 1000) * 1_000_000 + nanos).padStart(9, '0');
  const shown = fraction.replace(/^(\d*?)(?:000)*$/, '$1');
  return shown === '' ? `${base}Z` : `${base}.${shown}Z`;
}

/** An image with its keys in the host's order and nothing else. */
export const imageOf = ({ arch, version, variant }: Image): Image => ({ arch, version, variant });
