import { type Disk, DiskError, MemorySource, type Partition, type Volume } from '@guestkit/disk';
import { type MemoryFiles, memoryFileSystem } from './memory-tree.ts';

export interface MemoryVolume {
  /** What a filesystem that can be read holds. */
  readonly files?: MemoryFiles;
  readonly type?: string;
  readonly uuid?: string;
  readonly label?: string;
  readonly partition?: Partial<Partition>;
  /** Why it cannot be read. */
  readonly error?: string;
}

/** A disk of volumes held in memory: `/dev/sda1`, `/dev/sda2` … in the order given. */
export function memoryDisk(volumes: readonly MemoryVolume[]): Disk {
  const source = new MemorySource(new Uint8Array(512));
  const facts = { format: 'raw', virtual_size: 512, file_size: 512, details: {}, chain: [], warnings: [] };
  return {
    image: { sizeBytes: 512, read: source.read.bind(source), facts, extents: () => [] },
    table: { scheme: 'gpt', sectorSize: 512, diskId: 'd', partitions: [], warnings: [] },
    volumes: volumes.map((volume, index) => volumeOf(volume, index + 1)),
  };
}

function volumeOf({ files, type = 'ext4', uuid, label, partition, error }: MemoryVolume, number: number): Volume {
  return {
    device: `/dev/sda${number}`,
    source: new MemorySource(new Uint8Array(512)),
    partition: { number, startBytes: 0, sizeBytes: 512, kind: 'primary', type: '', ...partition },
    signature: { type, uuid, label },
    fileSystem: files && memoryFileSystem(files, { type, uuid, label }),
    error: error === undefined ? undefined : new DiskError('unsupported', error),
  };
}
