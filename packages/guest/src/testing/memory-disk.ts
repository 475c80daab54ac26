import { type Disk, DiskError, MemorySource, type Partition, type Subvolume, type Volume } from '@guestkit/disk';
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
  /** By path, numbered from 256 on. */
  readonly subvolumes?: Readonly<Record<string, MemoryFiles>>;
  /** Where it is not that of its partition: `/dev/group/volume`. */
  readonly device?: string;
  readonly members?: readonly string[];
}

/** A disk of volumes held in memory: `/dev/sda1`, `/dev/sda2` … in the order given. */
export function memoryDisk(volumes: readonly MemoryVolume[]): Disk {
  const source = new MemorySource(new Uint8Array(512));
  const facts = { format: 'raw', virtual_size: 512, file_size: 512, details: {}, chain: [], warnings: [] };
  return {
    files: [],
    image: { sizeBytes: 512, read: source.read.bind(source), facts, extents: () => [] },
    table: { scheme: 'gpt', sectorSize: 512, diskId: 'd', partitions: [], warnings: [] },
    volumes: volumes.map((volume, index) => volumeOf(volume, index + 1)),
  };
}

function volumeOf(volume: MemoryVolume, number: number): Volume {
  const { files, type = 'ext4', uuid, label, partition, error, device, members, subvolumes } = volume;
  return {
    device: device ?? `/dev/sda${number}`,
    ...(members && { members }),
    source: new MemorySource(new Uint8Array(512)),
    partition:
      device === undefined
        ? { number, startBytes: 0, sizeBytes: 512, kind: 'primary', type: '', ...partition }
        : undefined,
    signature: { type, uuid, label },
    fileSystem: files && memoryFileSystem(files, { type, uuid, label, ...subvolumesOf(subvolumes) }),
    error: error === undefined ? undefined : new DiskError('unsupported', error),
  };
}

function subvolumesOf(subvolumes: MemoryVolume['subvolumes']): { readonly subvolumes?: readonly Subvolume[] } {
  if (subvolumes === undefined) return {};
  const found = Object.entries(subvolumes).map(([path, files], index) => ({
    id: 256 + index,
    path,
    isDefault: false,
    isReadOnly: path.includes('snapshot'),
    root: () => memoryFileSystem(files).root,
  }));
  return { subvolumes: found };
}
