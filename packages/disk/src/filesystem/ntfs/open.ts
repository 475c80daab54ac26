import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { countFree, freeClusters } from '../cluster-bitmap.ts';
import type { ByteRange, FileSystem } from '../file-system.ts';
import { optional, readIdentity } from '../signature/format.ts';
import { corrupt } from './corrupt.ts';
import { Files } from './files.ts';
import { isHibernated } from './hibernation.ts';
import { ATTRIBUTE_TYPE, RECORD } from './layout.ts';
import { isLogClean } from './log-file.ts';
import { NtfsVolume } from './volume.ts';
import { readVolumeInformation, type VolumeInformation } from './volume-information.ts';

const SERIAL = { at: 72, form: 'serial64' } as const;

/** @throws DiskError `corrupt`, or `unsupported` for a version that is not known */
export function openNtfs(source: ByteSource): FileSystem {
  const files = new Files(new NtfsVolume(source));
  const { clusterBytes, clusterCount, sizeBytes } = files.volume.geometry;
  const information = readVolumeInformation(files.system(RECORD.VOLUME));
  return {
    type: 'ntfs',
    label: information.label,
    uuid: readIdentity(source, SERIAL),
    sizeBytes,
    // takes reading the whole bitmap
    get freeBytes() {
      return countFree(bitmapOf(files), clusterCount) * clusterBytes;
    },
    isCaseSensitive: false,
    root: files.root,
    freeRanges: () => freeRanges(files),
    warnings: warningsOf(files, information, source.sizeBytes),
  };
}

function* freeRanges(files: Files): Generator<ByteRange> {
  const { clusterBytes, clusterCount } = files.volume.geometry;
  for (const { cluster, count } of freeClusters(bitmapOf(files), clusterCount)) {
    yield { offset: cluster * clusterBytes, length: count * clusterBytes };
  }
}

function bitmapOf(files: Files): ByteSource {
  const file = files.system(RECORD.BITMAP);
  const bitmap = file.content(ATTRIBUTE_TYPE.DATA);
  if (bitmap !== undefined && bitmap.sizeBytes * 8 >= files.volume.geometry.clusterCount) return bitmap;
  throw corrupt(`Cannot read bitmap: it has ${bitmap?.sizeBytes ?? 0} bytes`, file.record.offset);
}

function warningsOf(files: Files, { isDirty }: VolumeInformation, imageBytes: number): string[] {
  const { volume, mft } = files;
  const facts: readonly (readonly [holds: boolean, warning: string])[] = [
    [volume.isBackupBoot, 'boot sector damaged: its copy at the end of the volume was used'],
    [mft.isMirrored, 'file table damaged: the copy of its first record was used'],
    [isDirty, 'marked as dirty: to be checked before it is used'],
    [
      !(optional(() => isLogClean(files.system(RECORD.LOG_FILE))) ?? false),
      'log not replayed: the newest changes may be missing',
    ],
    [
      optional(() => isHibernated(files.root)) ?? false,
      'Windows is hibernated, or was shut down for a fast startup: what it keeps in memory may be missing',
    ],
    [volume.geometry.sizeBytes > imageBytes, `truncated: the image ends at ${hex(imageBytes)}`],
  ];
  return facts.filter(([holds]) => holds).map(([, warning]) => warning);
}
