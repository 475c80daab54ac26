import { DiskError } from '../../error.ts';
import { readFields } from '../../fields.ts';
import { toLabel } from '../signature/format.ts';
import { corrupt } from './corrupt.ts';
import type { NtfsFile } from './file.ts';
import { ATTRIBUTE_TYPE, MAX_VERSION, VOLUME_FLAG, VOLUME_INFORMATION } from './layout.ts';

export interface VolumeInformation {
  readonly label: string | undefined;
  /** Windows would check it before it uses it. */
  readonly isDirty: boolean;
}

/** Names have up to 32 characters. */
const MAX_LABEL_BYTES = 256;
const MAX_INFORMATION_BYTES = 64;

/** @throws DiskError `unsupported` for a version that is not known */
export function readVolumeInformation(file: NtfsFile): VolumeInformation {
  const { offset } = file.record;
  const stored = file.value(ATTRIBUTE_TYPE.VOLUME_INFORMATION, MAX_INFORMATION_BYTES);
  if (stored === undefined) throw corrupt('Cannot open filesystem: nothing says of which version it is', offset);
  const { major_ver, minor_ver, flags } = readFields(stored, VOLUME_INFORMATION, { format: 'ntfs', offset });
  if (major_ver === 0 || major_ver > MAX_VERSION) {
    const message = `Cannot open filesystem: its version is ${major_ver}.${minor_ver}, expected 1.x to ${MAX_VERSION}.x`;
    throw new DiskError('unsupported', message, { format: 'ntfs', offset });
  }
  const name = file.value(ATTRIBUTE_TYPE.VOLUME_NAME, MAX_LABEL_BYTES);
  return { label: name && toLabel(name, 'utf-16le'), isDirty: (flags & VOLUME_FLAG.DIRTY) !== 0 };
}
