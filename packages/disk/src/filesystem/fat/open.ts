import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { FileSystem } from '../file-system.ts';
import { refineFat } from '../signature/fat.ts';
import { magic } from '../signature/format.ts';
import { STATE_DIRTY, STATE_ENTRY, STATE_ENTRY_FLAGS, STATE_ERROR } from './layout.ts';
import { rootNode } from './node.ts';
import { FatVolume } from './volume.ts';

/** @throws DiskError `corrupt` */
export function openFat(source: ByteSource): FileSystem {
  const volume = new FatVolume(source);
  // any name will do: that this is FAT is known
  const identity = refineFat(source, magic('FAT'));
  const warnings = warningsOf(volume);
  return {
    type: 'vfat',
    label: identity?.label,
    uuid: identity?.uuid,
    sizeBytes: volume.geometry.sizeBytes,
    // may take reading the whole table
    get freeBytes() {
      return freeClusters(volume, warnings.length === 0) * volume.geometry.clusterBytes;
    },
    isCaseSensitive: false,
    root: rootNode(volume),
    freeRanges: () => volume.heap.places(volume.table.freeRuns()),
    warnings,
  };
}

/** What the volume says of itself is believed when it was left in order. */
function freeClusters(volume: FatVolume, isClean: boolean): number {
  return (isClean ? volume.recordedFreeClusters : undefined) ?? volume.table.countFree();
}

function warningsOf({ geometry, table, heap }: FatVolume): string[] {
  const { clean, sound } = STATE_ENTRY_FLAGS[geometry.bits];
  const entry = table.valueOf(STATE_ENTRY);
  const isDirty = (geometry.state & STATE_DIRTY) !== 0 || (entry & clean) !== clean;
  const hasErrors = (geometry.state & STATE_ERROR) !== 0 || (entry & sound) !== sound;
  const facts: readonly (readonly [holds: boolean, warning: string])[] = [
    [isDirty, 'not unmounted cleanly'],
    [hasErrors, 'marked as having errors'],
    [geometry.sizeBytes > heap.sizeBytes, `truncated: the image ends at ${hex(heap.sizeBytes)}`],
  ];
  return facts.filter(([holds]) => holds).map(([, warning]) => warning);
}
