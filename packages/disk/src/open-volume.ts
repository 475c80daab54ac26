import type { Volume } from './disk.ts';
import { asFact, DiskError } from './error.ts';
import type { FileSystem } from './filesystem/file-system.ts';
import { FILE_SYSTEM_FORMATS } from './filesystem/formats.ts';
import { identifyVolume, type VolumeSignature } from './filesystem/signature/identify.ts';
import type { ByteSource } from './source/byte-source.ts';

/** Where a volume comes from. */
export type VolumeOrigin = Pick<Volume, 'device' | 'source' | 'partition' | 'members'>;

/** Looks what a volume is, and opens its filesystem; what cannot be opened says why. */
export function openVolume(origin: VolumeOrigin): Volume {
  const signature = identifyVolume(origin.source);
  return { ...origin, signature, ...openFileSystem(origin, signature, []) };
}

/** Opens the filesystem of a volume anew, with other volumes that it lies on too. */
export function openSpanning(volume: Volume, others: readonly ByteSource[]): Volume {
  return { ...volume, ...openFileSystem(volume, volume.signature, others) };
}

type Opened = Pick<Volume, 'fileSystem' | 'error'>;

const NOTHING: Opened = { fileSystem: undefined, error: undefined };

function openFileSystem(
  { device, source }: VolumeOrigin,
  signature: VolumeSignature | undefined,
  others: readonly ByteSource[],
): Opened {
  if (signature === undefined || NO_FILES.has(signature.type)) return NOTHING;
  try {
    return { fileSystem: openAs({ device, source, others }, signature.type), error: undefined };
  } catch (error) {
    return { fileSystem: undefined, error: asFact(error) };
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

interface Opening {
  readonly device: string;
  readonly source: ByteSource;
  readonly others: readonly ByteSource[];
}

function openAs({ device, source, others }: Opening, type: string): FileSystem {
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
  return format.open(source, others);
}
