import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { CachedSource } from '../../source/cached-source.ts';
import { countFree, freeClusters } from '../cluster-bitmap.ts';
import { FIRST_CLUSTER } from '../cluster-heap.ts';
import { foldCase } from '../fat/case.ts';
import type { ByteRange, FileSystem } from '../file-system.ts';
import { refineExfat } from '../signature/exfat.ts';
import { readIdentity } from '../signature/format.ts';
import { VOLUME_FLAG } from './layout.ts';
import { rootNode } from './node.ts';
import { type RootEntries, readRootEntries } from './root-entries.ts';
import { ExfatVolume } from './volume.ts';

const SERIAL = { at: 100, form: 'serial32' } as const;

/** @throws DiskError `corrupt`, or `unsupported` for another revision than 1 */
export function openExfat(source: ByteSource): FileSystem {
  const volume = new ExfatVolume(source);
  const runs = volume.rootRuns();
  const entries = readRootEntries(volume, runs);
  const { bitmap, upcase } = entries;
  const { sizeBytes, clusterBytes, clusterCount } = volume.geometry;
  return {
    type: 'exfat',
    label: refineExfat(new CachedSource(source, { blockBytes: 4096 }))?.label,
    uuid: readIdentity(source, SERIAL),
    sizeBytes,
    // takes reading the whole bitmap
    get freeBytes() {
      return bitmap && countFree(bitmap, clusterCount) * clusterBytes;
    },
    isCaseSensitive: false,
    root: rootNode(volume, runs, (name) => upcase?.fold(name) ?? foldCase(name)),
    ...(bitmap && { freeRanges: () => freeRanges(volume, bitmap) }),
    warnings: warningsOf(volume, entries),
  };
}

/** The bitmap begins with the first cluster, whose number is 2. */
function freeRanges({ geometry, heap }: ExfatVolume, bitmap: ByteSource): Iterable<ByteRange> {
  const runs = freeClusters(bitmap, geometry.clusterCount);
  return heap.places(runs.map(({ cluster, count }) => ({ cluster: cluster + FIRST_CLUSTER, count })));
}

function warningsOf({ geometry, heap }: ExfatVolume, { bitmap, upcase }: RootEntries): string[] {
  const facts: readonly (readonly [holds: boolean, warning: string])[] = [
    [(geometry.flags & VOLUME_FLAG.DIRTY) !== 0, 'not unmounted cleanly'],
    [(geometry.flags & VOLUME_FLAG.MEDIA_FAILURE) !== 0, 'marked as having errors'],
    [bitmap === undefined, 'no sound allocation bitmap: free space is not known'],
    [upcase === undefined, 'no sound upcase table: names are compared by the capitals of Unicode'],
    [geometry.sizeBytes > heap.sizeBytes, `truncated: the image ends at ${hex(heap.sizeBytes)}`],
  ];
  return facts.filter(([holds]) => holds).map(([, warning]) => warning);
}
