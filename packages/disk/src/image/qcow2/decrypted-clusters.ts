import type { ByteSource } from '../../source/byte-source.ts';
import { checkRange } from '../../source/range.ts';
import { WindowSource } from '../../source/window-source.ts';
import { createSectorCipher, type SectorCipher } from '../../volume/luks/cipher.ts';
import { readLuksHeader, unlockWith } from '../../volume/luks/open.ts';
import { corrupt } from './error.ts';
import type { Qcow2Header } from './header.ts';

const SECTOR_BYTES = 512;

/** The clusters of an encrypted image in plain text, at their places in the file: sectors are numbered by those. */
export class DecryptedClusters implements ByteSource {
  readonly sizeBytes: number;
  readonly #data: ByteSource;
  readonly #cipher: SectorCipher;

  constructor(data: ByteSource, cipher: SectorCipher) {
    this.#data = data;
    this.#cipher = cipher;
    this.sizeBytes = data.sizeBytes;
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length, { format: 'qcow2' });
    const start = Math.floor(offset / SECTOR_BYTES) * SECTOR_BYTES;
    const end = Math.ceil((offset + length) / SECTOR_BYTES) * SECTOR_BYTES;
    const stored = new Uint8Array(end - start);
    stored.set(this.#data.read(start, Math.min(end, this.sizeBytes) - start));
    return this.#cipher.decrypt(stored, start / SECTOR_BYTES).subarray(offset - start, offset - start + length);
  }
}

/** @throws DiskError `encrypted` when no passphrase fits */
export function decryptClusters(
  { source, data, header }: { readonly source: ByteSource; readonly data: ByteSource; readonly header: Qcow2Header },
  passphrases: readonly Uint8Array[],
): ByteSource {
  const { offset, length } = header.extensions.encryptionHeader ?? { offset: 0, length: 0 };
  if (offset % header.clusterSize !== 0 || offset + length > source.sizeBytes) {
    throw corrupt('header extension', `LUKS header of ${length} bytes is not within the file`, offset);
  }
  const area = new WindowSource(source, offset, length);
  const luks = readLuksHeader(area, { payloadOffset: 0 });
  const key = unlockWith(area, luks, passphrases);
  return new DecryptedClusters(data, createSectorCipher({ name: luks.payload.cipher, key, sectorBytes: SECTOR_BYTES }));
}
