import { readFields } from '../../fields.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { Slot } from '../cluster-heap.ts';
import type { ByteRun } from '../run-content.ts';
import { optional } from '../signature/format.ts';
import { BITMAP, BITMAP_SECOND, TYPE, UPCASE } from './layout.ts';
import { isSoundUpcase, MAX_UPCASE_BYTES, UpcaseTable } from './upcase.ts';
import type { Allocation, ExfatVolume } from './volume.ts';

/** What only the root has entries of: which clusters are taken, and what the capital letters are. */
export interface RootEntries {
  /** A bit for each cluster. */
  readonly bitmap: ByteSource | undefined;
  readonly upcase: UpcaseTable | undefined;
}

/** Looks for both from the start of the root, where formatting puts them. A damaged one is as good as none. */
export function readRootEntries(volume: ExfatVolume, runs: readonly ByteRun[]): RootEntries {
  let bitmap: ByteSource | undefined;
  let upcase: UpcaseTable | undefined;
  for (const slot of volume.heap.slots(runs)) {
    const type = slot.bytes[0];
    if (type === TYPE.END || (bitmap !== undefined && upcase !== undefined)) break;
    if (type === TYPE.BITMAP) bitmap ??= optional(() => readBitmap(volume, slot));
    if (type === TYPE.UPCASE) upcase ??= optional(() => readUpcase(volume, slot));
  }
  return { bitmap, upcase };
}

/** Each table has its own bitmap. */
function readBitmap(volume: ExfatVolume, { bytes, offset }: Slot): ByteSource | undefined {
  const fields = readFields(bytes, BITMAP, { format: 'exfat', offset });
  const { activeTable, clusterCount } = volume.geometry;
  const isOther = (fields.flags & BITMAP_SECOND) !== activeTable;
  if (isOther || fields.size < Math.ceil(clusterCount / 8)) return undefined;
  return volume.content(allocationOf(fields, offset));
}

function readUpcase(volume: ExfatVolume, { bytes, offset }: Slot): UpcaseTable | undefined {
  const fields = readFields(bytes, UPCASE, { format: 'exfat', offset });
  if (fields.size > MAX_UPCASE_BYTES) return undefined;
  const stored = volume.content(allocationOf(fields, offset)).read(0, fields.size);
  return isSoundUpcase(stored, fields.checksum) ? new UpcaseTable(stored) : undefined;
}

function allocationOf({ start_clu: cluster, size }: { start_clu: number; size: number }, offset: number): Allocation {
  return { cluster, sizeBytes: size, validBytes: size, isRow: false, offset };
}
