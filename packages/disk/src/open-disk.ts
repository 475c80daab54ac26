import type { Disk, OpenDiskOptions, Volume } from './disk.ts';
import { DiskError } from './error.ts';
import { identifyVolume } from './filesystem/signature/identify.ts';
import { hex } from './hex.ts';
import type { DiskImage } from './image/image.ts';
import { openChain } from './image/open.ts';
import { joinDevices } from './join-devices.ts';
import { openLayers } from './open-layers.ts';
import { openVolume } from './open-volume.ts';
import type { ByteSource } from './source/byte-source.ts';
import { WindowSource } from './source/window-source.ts';
import { findForeignTable } from './volume/foreign-table.ts';
import type { Partition, PartitionTable } from './volume/partition-table.ts';
import { readPartitionTable } from './volume/read-table.ts';
import { KeyWork } from './volume/unlocking.ts';

const DEVICE = '/dev/sda';
/** What is written to discs as a whole. */
const DISC_TYPES: ReadonlySet<string> = new Set(['iso9660', 'udf']);

/**
 * Takes a disk image apart: container, partition table, volumes and their filesystems. A volume that cannot be opened says why
 * and does not keep the others from being read.
 * @throws DiskError when the container or the partition table cannot be read
 */
export function openDisk(source: ByteSource, options: OpenDiskOptions): Disk {
  const unlocking = { passphrases: options.passphrases ?? [], work: new KeyWork() };
  const { image, files } = openChain(source, options, unlocking);
  const table = readPartitionTable(image);
  const { volumes, foreignTable } = table === undefined ? undivided(image) : divided(image, table);
  return { image, files, table, foreignTable, volumes: joinDevices(openLayers(volumes, unlocking)) };
}

type Division = Pick<Disk, 'volumes' | 'foreignTable'>;

function divided(image: DiskImage, { partitions }: PartitionTable): Division {
  const parts = partitions.filter(({ kind }) => kind !== 'extended');
  return { volumes: [...hybridDisc(image), ...parts.map((partition) => partitionVolume(image, partition))] };
}

/** A disc that boots from a stick too has a partition table in front of its filesystem, which is that of the whole disk. */
function hybridDisc(image: DiskImage): readonly Volume[] {
  const type = identifyVolume(image)?.type;
  return type !== undefined && DISC_TYPES.has(type)
    ? [openVolume({ device: DEVICE, source: image, partition: undefined })]
    : [];
}

/** A disk without a table is one volume; so is one whose table is known by its name only. */
function undivided(image: DiskImage): Division {
  const volume = openVolume({ device: DEVICE, source: image, partition: undefined });
  const foreignTable = volume.signature === undefined ? findForeignTable(image) : undefined;
  if (foreignTable === undefined) return { volumes: [volume] };
  const message = `Cannot open "${DEVICE}": partition table is ${foreignTable}, expected GPT or MBR`;
  const error = new DiskError('unsupported', message, { offset: 0 });
  return { volumes: [{ ...volume, error }], foreignTable };
}

function partitionVolume(image: DiskImage, partition: Partition): Volume {
  const device = `${DEVICE}${partition.number}`;
  const { startBytes, sizeBytes } = partition;
  if (startBytes < image.sizeBytes) {
    // what reaches past the end is cut: the table has a warning
    const within = Math.min(sizeBytes, image.sizeBytes - startBytes);
    return openVolume({ device, source: new WindowSource(image, startBytes, within), partition });
  }
  const message = `Cannot open "${device}": it starts at ${hex(startBytes)}, past the end of the disk`;
  const error = new DiskError('corrupt', message, { offset: startBytes });
  const source = new WindowSource(image, image.sizeBytes, 0);
  return { device, source, partition, signature: undefined, fileSystem: undefined, error };
}
