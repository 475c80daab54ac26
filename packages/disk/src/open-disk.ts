import type { Disk, OpenDiskOptions, Volume } from './disk.ts';
import { DiskError } from './error.ts';
import type { FileSystem } from './filesystem/file-system.ts';
import { FILE_SYSTEM_FORMATS } from './filesystem/formats.ts';
import { identifyVolume, type VolumeSignature } from './filesystem/signature/identify.ts';
import { hex } from './hex.ts';
import type { DiskImage } from './image/image.ts';
import { openImage } from './image/open.ts';
import type { ByteSource } from './source/byte-source.ts';
import { WindowSource } from './source/window-source.ts';
import { findForeignTable } from './volume/foreign-table.ts';
import type { Partition } from './volume/partition-table.ts';
import { readPartitionTable } from './volume/read-table.ts';

const DEVICE = '/dev/sda';

/**
 * Takes a disk image apart: container, partition table, volumes and their filesystems. A volume that cannot be opened says why
 * and does not keep the others from being read.
 * @throws DiskError when the container or the partition table cannot be read
 */
export function openDisk(source: ByteSource, options: OpenDiskOptions): Disk {
  const image = openImage(source, options);
  const table = readPartitionTable(image);
  const volumes =
    table === undefined
      ? [wholeDisk(image)]
      : table.partitions
          .filter(({ kind }) => kind !== 'extended')
          .map((partition) => partitionVolume(image, partition));
  return { image, table, volumes };
}

/** A disk without a table is one volume. */
function wholeDisk(image: DiskImage): Volume {
  const volume = openVolume(DEVICE, image, undefined);
  const foreign = volume.signature === undefined ? findForeignTable(image) : undefined;
  if (foreign === undefined) return volume;
  const message = `Cannot open "${DEVICE}": partition table is ${foreign}, expected GPT or MBR`;
  return { ...volume, error: new DiskError('unsupported', message, { offset: 0 }) };
}

function partitionVolume(image: DiskImage, partition: Partition): Volume {
  const device = `${DEVICE}${partition.number}`;
  const { startBytes, sizeBytes } = partition;
  if (startBytes < image.sizeBytes) {
    // what reaches past the end is cut: the table has a warning
    const within = Math.min(sizeBytes, image.sizeBytes - startBytes);
    return openVolume(device, new WindowSource(image, startBytes, within), partition);
  }
  const message = `Cannot open "${device}": it starts at ${hex(startBytes)}, past the end of the disk`;
  const error = new DiskError('corrupt', message, { offset: startBytes });
  const source = new WindowSource(image, image.sizeBytes, 0);
  return { device, source, partition, signature: undefined, fileSystem: undefined, error };
}

function openVolume(device: string, source: ByteSource, partition: Partition | undefined): Volume {
  const signature = identifyVolume(source);
  const { fileSystem, error } = openFileSystem(device, source, signature);
  return { device, source, partition, signature, fileSystem, error };
}

interface Opened {
  readonly fileSystem: FileSystem | undefined;
  readonly error: DiskError | undefined;
}

const NOTHING: Opened = { fileSystem: undefined, error: undefined };

function openFileSystem(device: string, source: ByteSource, signature: VolumeSignature | undefined): Opened {
  if (signature === undefined || NO_FILES.has(signature.type)) return NOTHING;
  try {
    return { fileSystem: openAs(device, source, signature.type), error: undefined };
  } catch (error) {
    // a world that fails is not a fact about the volume
    if (!(error instanceof DiskError) || error.kind === 'io') throw error;
    return { fileSystem: undefined, error };
  }
}

/** What holds no files, whoever reads it. */
const NO_FILES: ReadonlySet<string> = new Set(['swap', 'swsuspend']);
/** What holds other volumes: the front of a mirror is that of the filesystem on it, but not its size. */
const HOLDS_VOLUMES: ReadonlySet<string> = new Set([
  'linux_raid_member',
  'LVM2_member',
  'bcache',
  'zfs_member',
  'stratis',
]);
const ENCRYPTED: ReadonlySet<string> = new Set(['crypto_LUKS', 'BitLocker']);
// far enough for the superblock of btrfs, the one that lies furthest in
const HEAD_BYTES = 68 * 1024;

function openAs(device: string, source: ByteSource, type: string): FileSystem {
  if (ENCRYPTED.has(type)) {
    throw new DiskError('encrypted', `Cannot open "${device}": it is encrypted (${type}), expected a key`, {
      format: type,
    });
  }
  const head = source.read(0, Math.min(HEAD_BYTES, source.sizeBytes));
  const format = HOLDS_VOLUMES.has(type) ? undefined : FILE_SYSTEM_FORMATS.find((candidate) => candidate.detect(head));
  if (format === undefined) {
    throw new DiskError('unsupported', `Cannot open "${device}": ${type} cannot be read yet`, { format: type });
  }
  return format.open(source);
}
