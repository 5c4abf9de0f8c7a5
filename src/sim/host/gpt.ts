/** The two partition sets of a host and the flags the boot loader decides by (signpost and GRUB's gptprio). */
import type { Image } from './versions.ts';

export type SlotName = 'A' | 'B';

/** GPT attribute bits 48–56 of a BOOT partition, and what is written behind it. */
export interface Slot {
  /** What the slot holds; null when it was wiped. */
  image: Image | null;
  /** 0 never boots; the highest wins. */
  priority: number;
  /** Boots left before the slot has to have been successful. */
  tries: number;
  successful: boolean;
}

export type Slots = Readonly<Record<SlotName, Slot>>;

/** A freshly written disk: A boots, B is empty. */
export const freshSlots = (image: Image): Slots => ({
  A: { image, priority: 1, tries: 0, successful: true },
  B: { image: null, priority: 0, tries: 0, successful: false },
});

export const otherSlot = (slot: SlotName): SlotName => (slot === 'A' ? 'B' : 'A');

/** signpost's opinion: may the slot boot? It ignores that GRUB never boots priority 0. */
const willBoot = (slot: Slot): boolean => (slot.priority > 0 && slot.tries > 0) || slot.successful;

/** The slot signpost expects to boot next; undefined when neither can. A tie is A's. */
export function nextByFlags(slots: Slots): SlotName | undefined {
  const bootable = (['A', 'B'] as const).filter((name) => willBoot(slots[name]));
  if (bootable.length < 2) return bootable[0];
  return slots.B.priority > slots.A.priority ? 'B' : 'A';
}

/** What GRUB boots, after taking one of its tries; undefined when nothing is bootable. */
export function grubNext(slots: Slots): SlotName | undefined {
  let best: SlotName | undefined;
  let highest = 0;
  for (const name of ['A', 'B'] as const) {
    const slot = slots[name];
    if ((slot.tries > 0 || slot.successful) && slot.priority > highest) {
      best = name;
      highest = slot.priority;
    }
  }
  if (best !== undefined && slots[best].tries > 0) slots[best].tries -= 1;
  return best;
}

/** Start of `prepare`. */
export function clearInactive(slots: Slots, running: SlotName): void {
  Object.assign(slots[otherSlot(running)], { image: null, priority: 0, tries: 0, successful: false });
}

/** End of `prepare`. */
export function markInactiveValid(slots: Slots, running: SlotName): void {
  slots[otherSlot(running)].tries = 1;
}

/** `activate`. @returns why it is refused, in signpost's words, or undefined. */
export function upgradeToInactive(slots: Slots, running: SlotName): string | undefined {
  const inactive = slots[otherSlot(running)];
  if (inactive.priority !== 0 || inactive.successful)
    return 'Inactive partition /dev/nvme0n1 is already marked for upgrade';
  if (inactive.tries === 0) return 'Inactive partition /dev/nvme0n1 has not been marked valid for upgrade';
  inactive.priority = 2;
  slots[running].priority = 1;
  return undefined;
}

/** `deactivate`: tries stay, so that `activate` can follow again. */
export function cancelUpgrade(slots: Slots, running: SlotName): void {
  slots[otherSlot(running)].priority = 0;
  slots[running].priority = 2;
}

/** mark-successful-boot.service. */
export function markSuccessfulBoot(slots: Slots, running: SlotName): void {
  slots[running].successful = true;
}

/** `signpost rollback-to-inactive`, from a root shell only. @returns whether it was done. */
export function rollbackToInactive(slots: Slots, running: SlotName): boolean {
  const inactive = slots[otherSlot(running)];
  if (!willBoot(inactive)) return false;
  inactive.priority = 2;
  slots[running].priority = 1;
  return true;
}
