import { type Fields, readFields } from '../../fields.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import {
  BSD_ENTRIES_OFFSET,
  BSD_ENTRY,
  BSD_ENTRY_SIZE,
  BSD_LABEL,
  BSD_LABEL_OFFSETS,
  BSD_MAGIC,
  BSD_UNUSED,
  BSD_WHOLE,
  MOST_BSD_PARTITIONS,
} from './layout.ts';

export interface BsdEntry extends Fields<typeof BSD_ENTRY> {
  /** `a` to `p`. */
  readonly letter: string;
}

export interface BsdLabel {
  readonly sectorSize: number;
  /** In use, without the one that stands for the whole. */
  readonly entries: readonly BsdEntry[];
  /** Where the whole begins, in sectors. */
  readonly wholeOffset: number;
}

/** The label of a disk or partition that starts at an offset. Its checksum counts for nothing, as with Linux: not all tools keep it. */
export function readBsdLabel(disk: ByteSource, start: number): BsdLabel | undefined {
  for (const offset of BSD_LABEL_OFFSETS) {
    const label = labelAt(disk, start + offset);
    if (label !== undefined) return label;
  }
  return undefined;
}

function labelAt(disk: ByteSource, offset: number): BsdLabel | undefined {
  const fullSize = BSD_ENTRIES_OFFSET + MOST_BSD_PARTITIONS * BSD_ENTRY_SIZE;
  if (offset + fullSize > disk.sizeBytes) return undefined;
  const bytes = disk.read(offset, fullSize);
  const { magic, magic2, partition_count: count, sector_size: sectorSize } = readFields(bytes, BSD_LABEL);
  if (magic !== BSD_MAGIC || magic2 !== BSD_MAGIC || count > MOST_BSD_PARTITIONS) return undefined;
  if (sectorSize !== 512 && sectorSize !== 2048 && sectorSize !== 4096) return undefined;
  const all = Array.from({ length: count }, (_, index) => readEntry(bytes, index));
  const entries = all.filter(({ type, size }, index) => type !== BSD_UNUSED && size > 0 && index !== BSD_WHOLE);
  return { sectorSize, entries, wholeOffset: all[BSD_WHOLE]?.offset ?? 0 };
}

function readEntry(bytes: Uint8Array, index: number): BsdEntry {
  const at = BSD_ENTRIES_OFFSET + index * BSD_ENTRY_SIZE;
  const entry = readFields(bytes.subarray(at, at + BSD_ENTRY_SIZE), BSD_ENTRY);
  return { ...entry, letter: String.fromCharCode('a'.charCodeAt(0) + index) };
}
