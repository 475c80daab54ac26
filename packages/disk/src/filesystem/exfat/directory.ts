import { DiskError } from '../../error.ts';
import { type Fields, readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import { quote } from '../../quote.ts';
import type { Slot } from '../cluster-heap.ts';
import type { ByteRun } from '../run-content.ts';
import { decodeUtf16Name } from '../utf16-name.ts';
import { checksum16 } from './checksum.ts';
import { corrupt } from './corrupt.ts';
import {
  ATTR,
  BENIGN,
  FILE,
  IN_USE,
  MIN_SECONDARIES,
  NAME_OFFSET,
  NAME_UNITS,
  NO_FAT_CHAIN,
  SECONDARY,
  SECONDARY_COUNT,
  SET_CHECKSUM,
  STREAM,
  TYPE,
} from './layout.ts';
import type { Allocation, ExfatVolume } from './volume.ts';

/** A name in a folder and what it leads to. */
export interface ExfatRecord {
  readonly name: string;
  readonly isFolder: boolean;
  readonly fields: Fields<typeof FILE>;
  readonly allocation: Allocation;
}

/**
 * The files and folders of a folder, and in place of those whose entries are damaged, what is wrong with them. An entry that was
 * never used ends it.
 */
export function* readDirectory(volume: ExfatVolume, runs: readonly ByteRun[]): Generator<ExfatRecord | DiskError> {
  let set: EntrySet | undefined;
  for (const slot of volume.heap.slots(runs)) {
    const type = slot.bytes[0] as number;
    if (set !== undefined && (type & (IN_USE | SECONDARY)) !== (IN_USE | SECONDARY)) {
      yield set.cut();
      set = undefined;
    }
    if (type === TYPE.END) return;
    if (type === TYPE.FILE) set = new EntrySet(slot);
    else set?.add(slot);
    if (set?.isWhole !== true) continue;
    yield set.take();
    set = undefined;
  }
  if (set !== undefined) yield set.cut();
}

/** How many entries are folders. */
export function countFolders(volume: ExfatVolume, runs: readonly ByteRun[]): number {
  let folders = 0;
  for (const { bytes } of volume.heap.slots(runs)) {
    if (bytes[0] === TYPE.END) break;
    if (bytes[0] === TYPE.FILE && ((bytes[FILE.attr[0]] as number) & ATTR.DIRECTORY) !== 0) folders += 1;
  }
  return folders;
}

/** The entries that make one file: itself, its stream, its name in pieces, and what only others know. */
class EntrySet {
  readonly #slots: Slot[] = [];
  readonly #count: number;
  readonly #offset: number;

  constructor(file: Slot) {
    this.#slots.push(file);
    this.#count = 1 + (file.bytes[SECONDARY_COUNT] as number);
    this.#offset = file.offset;
  }

  add(slot: Slot): void {
    this.#slots.push(slot);
  }

  get isWhole(): boolean {
    return this.#slots.length === this.#count;
  }

  cut(): DiskError {
    return this.#corrupt(`it has ${this.#slots.length} entries, expected ${this.#count}`);
  }

  /** The file, or what is wrong with it. */
  take(): ExfatRecord | DiskError {
    try {
      return this.#read();
    } catch (error) {
      if (error instanceof DiskError && error.kind === 'corrupt') return error;
      throw error;
    }
  }

  #read(): ExfatRecord {
    const [file, stream, ...others] = this.#slots;
    if (file === undefined || stream === undefined || this.#count <= MIN_SECONDARIES)
      throw this.#corrupt('it is too short');
    const fields = readFields(file.bytes, FILE, { format: 'exfat', offset: file.offset });
    this.#checkChecksum(fields.checksum);
    if (stream.bytes[0] !== TYPE.STREAM) throw this.#corrupt('its second entry is not that of its content');
    const names = this.#nameSlots(others);
    const content = readFields(stream.bytes, STREAM, { format: 'exfat', offset: stream.offset });
    return {
      name: this.#nameOf(names, content.name_len),
      isFolder: (fields.attr & ATTR.DIRECTORY) !== 0,
      fields,
      allocation: this.#allocationOf(content),
    };
  }

  #checkChecksum(stored: number): void {
    const isChecksum = (index: number) => index === SET_CHECKSUM || index === SET_CHECKSUM + 1;
    const computed = this.#slots.reduce(
      (sum, { bytes }, index) => checksum16(sum, bytes, index === 0 ? isChecksum : () => false),
      0,
    );
    if (stored !== computed) throw this.#corrupt(`its checksum is ${hex(stored)}, computed ${hex(computed)}`);
  }

  /** The pieces of the name come first. What is behind them may be passed over, if it says so. */
  #nameSlots(slots: readonly Slot[]): Slot[] {
    const end = slots.findIndex(({ bytes }) => bytes[0] !== TYPE.NAME);
    const rest = end < 0 ? [] : slots.slice(end);
    const unknown = rest.find(({ bytes }) => ((bytes[0] as number) & BENIGN) === 0);
    if (unknown !== undefined) throw this.#corrupt(`it has an entry of type ${hex(unknown.bytes[0] as number)}`);
    return slots.slice(0, slots.length - rest.length);
  }

  #nameOf(slots: readonly Slot[], length: number): string {
    const units = slots.flatMap(({ bytes }) => unitsOf(bytes)).slice(0, length);
    const name = decodeUtf16Name(units);
    const isBad = ['', '.', '..'].includes(name) || name.includes('/') || name.includes('\0');
    if (units.length === length && !isBad) return name;
    throw this.#corrupt(`bad name ${quote(name)} of ${length} characters`);
  }

  #allocationOf({ start_clu, size, valid_size, flags }: Fields<typeof STREAM>): Allocation {
    if (valid_size > size) throw this.#corrupt(`${valid_size} bytes of ${size} were written`);
    return {
      cluster: start_clu,
      sizeBytes: size,
      validBytes: valid_size,
      isRow: (flags & NO_FAT_CHAIN) !== 0,
      offset: this.#offset,
    };
  }

  #corrupt(state: string): DiskError {
    return corrupt(`Cannot read set of entries: ${state}`, this.#offset);
  }
}

function unitsOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: NAME_UNITS }, (_, index) => view.getUint16(NAME_OFFSET + index * 2, true));
}
