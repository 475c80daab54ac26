import type { ByteSource } from '../../source/byte-source.ts';
import { WindowSource } from '../../source/window-source.ts';
import { decryptPayload, readLuksHeader, unlockWith } from '../../volume/luks/open.ts';
import type { Unlocking } from '../../volume/unlocking.ts';
import { corrupt } from './error.ts';
import type { Qcow2Header } from './header.ts';

const SECTOR_BYTES = 512;

/**
 * The clusters of an encrypted image in plain text, at their places in the file: sectors are numbered by those.
 * @throws DiskError `encrypted` when no passphrase fits
 */
export function decryptClusters(
  { source, data, header }: { readonly source: ByteSource; readonly data: ByteSource; readonly header: Qcow2Header },
  unlocking: Unlocking,
): ByteSource {
  const { offset, length } = header.extensions.encryptionHeader ?? { offset: 0, length: 0 };
  if (offset % header.clusterSize !== 0 || offset + length > source.sizeBytes) {
    throw corrupt('header extension', `LUKS header of ${length} bytes is not within the file`, offset);
  }
  const area = new WindowSource(source, offset, length);
  const luks = readLuksHeader(area, { payloadOffset: 0 });
  const key = unlockWith(area, luks, unlocking);
  const clusters = { offset: 0, sizeBytes: data.sizeBytes, sectorBytes: SECTOR_BYTES, firstSector: 0 };
  return decryptPayload(data, { ...luks.payload, ...clusters }, key);
}
