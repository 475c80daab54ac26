import { decodeUtf16Name } from '../utf16-name.ts';
import { LAST_SLOT, MAX_SLOTS, SLOT_CHECKSUM, SLOT_UNITS } from './layout.ts';
import { shortNameChecksum } from './short-name.ts';

/** Puts the slots of a long name together as they come, the last part of the name first. What does not fit is dropped. */
export class LongName {
  #units: number[] = [];
  /** How many slots are still to come; `undefined` when no name is being read. */
  #missing: number | undefined;
  #checksum = 0;

  add(slot: Uint8Array): void {
    const id = slot[0] as number;
    const number = id & ~LAST_SLOT;
    const isNext = this.#missing !== undefined && this.#missing > 0 && number === this.#missing;
    if (!isNext || slot[SLOT_CHECKSUM] !== this.#checksum) this.#begin(slot);
    if (this.#missing === undefined) return;
    this.#units.unshift(...unitsOf(slot));
    this.#missing -= 1;
  }

  drop(): void {
    this.#missing = undefined;
  }

  /** The name, if it is whole and belongs to this entry. It ends with that. */
  take(entry: Uint8Array): string | undefined {
    const isWhole = this.#missing === 0 && shortNameChecksum(entry) === this.#checksum;
    this.drop();
    if (!isWhole) return undefined;
    const end = this.#units.indexOf(0);
    return decodeUtf16Name(end < 0 ? this.#units : this.#units.slice(0, end));
  }

  #begin(slot: Uint8Array): void {
    const id = slot[0] as number;
    const slots = id & ~LAST_SLOT;
    const isFirst = (id & LAST_SLOT) !== 0 && slots > 0 && slots <= MAX_SLOTS;
    this.#missing = isFirst ? slots : undefined;
    this.#checksum = slot[SLOT_CHECKSUM] as number;
    this.#units = [];
  }
}

function unitsOf(slot: Uint8Array): number[] {
  return SLOT_UNITS.map((offset) => (slot[offset] as number) | ((slot[offset + 1] as number) << 8));
}
