import type { ByteSource } from '../../source/byte-source.ts';
import type { FileSystem, FileSystemFormat } from '../file-system.ts';
import { readIdentity } from '../signature/format.ts';
import { isNtfs } from './boot-sector.ts';
import { Files } from './files.ts';
import { NtfsVolume } from './volume.ts';

export const ntfsFormat: FileSystemFormat = { name: 'ntfs', detect: isNtfs, open: openNtfs };

const SERIAL = { at: 72, form: 'serial64' } as const;

/** @throws DiskError `corrupt` */
export function openNtfs(source: ByteSource): FileSystem {
  const volume = new NtfsVolume(source);
  const files = new Files(volume);
  return {
    type: 'ntfs',
    label: undefined,
    uuid: readIdentity(source, SERIAL),
    sizeBytes: volume.geometry.sizeBytes,
    freeBytes: undefined,
    isCaseSensitive: false,
    root: files.root,
    warnings: [],
  };
}
