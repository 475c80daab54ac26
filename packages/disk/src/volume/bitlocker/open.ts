import type { ByteSource } from '../../source/byte-source.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { type Piece, PieceSource } from '../../source/piece-source.ts';
import { DecryptedSource } from '../luks/decrypted-source.ts';
import type { Unlocking } from '../unlocking.ts';
import { createVolumeCipher } from './cipher.ts';
import { corrupt } from './error.ts';
import { MFT_COPY_AT, SIGNATURE_AT } from './layout.ts';
import { type BitlockerMetadata, type Range, readMetadata } from './metadata.ts';
import { unlock, type VolumeKey } from './unlock.ts';

export interface OpenedBitlocker {
  readonly guid: string;
  readonly plain: ByteSource;
}

/**
 * Opens a BitLocker volume: with no key while its protection is suspended, else with the first of the passwords, recovery keys and
 * startup keys that fits.
 * @throws DiskError `encrypted` when none does, `unsupported` for methods and states that cannot be read
 */
export function openBitlocker(volume: ByteSource, unlocking: Unlocking): OpenedBitlocker {
  const metadata = readMetadata(volume);
  return { guid: metadata.guid, plain: decryptVolume(volume, metadata, unlock(metadata, unlocking)) };
}

/** The start of the volume from where it lies, zeros in place of the metadata, and all else decrypted where it is. */
function decryptVolume(volume: ByteSource, metadata: BitlockerMetadata, key: VolumeKey): ByteSource {
  const stored = decryptedBelow(volume, metadata, key);
  const { header, areas } = metadata;
  const start = header === undefined ? vistaStart(volume, metadata) : { source: stored, ...header };
  const hidden = [...areas, ...(header === undefined ? [] : [header])].sort((a, b) => a.offset - b.offset);
  return new PieceSource(volume.sizeBytes, (offset) => {
    if (offset < start.length) {
      return { kind: 'stored', source: start.source, offset: start.offset + offset, length: start.length - offset };
    }
    return pieceAt(offset, { hidden, stored });
  });
}

function pieceAt(
  offset: number,
  { hidden, stored }: { readonly hidden: readonly Range[]; readonly stored: ByteSource },
): Piece {
  const within = hidden.find((area) => offset >= area.offset && offset < area.offset + area.length);
  if (within !== undefined) return { kind: 'zero', length: within.offset + within.length - offset };
  const next = hidden.find((area) => area.offset > offset)?.offset ?? stored.sizeBytes;
  return { kind: 'stored', source: stored, offset, length: next - offset };
}

/** What is encrypted, decrypted where it lies, and after it what is not. */
function decryptedBelow(
  volume: ByteSource,
  { sectorBytes, encryptedBytes }: BitlockerMetadata,
  key: VolumeKey,
): ByteSource {
  const end = Math.min(encryptedBytes, volume.sizeBytes);
  if (end === 0 || end % sectorBytes !== 0) {
    throw corrupt('metadata', `${encryptedBytes} bytes of the volume are encrypted, expected whole sectors`, 16);
  }
  const payload = { offset: 0, sizeBytes: end, cipher: '', sectorBytes, firstSector: 0 };
  const plain = new DecryptedSource(volume, payload, createVolumeCipher(key, sectorBytes));
  return new PieceSource(volume.sizeBytes, (offset) => {
    const source = offset < end ? plain : volume;
    return { kind: 'stored', source, offset, length: (offset < end ? end : volume.sizeBytes) - offset };
  });
}

const VISTA_SECTORS = 16;

/** The first sectors are not encrypted: two fields of an NTFS were exchanged for BitLocker's own. */
function vistaStart(volume: ByteSource, { sectorBytes, mftCopyCluster = 0 }: BitlockerMetadata) {
  const length = Math.min(VISTA_SECTORS * sectorBytes, volume.sizeBytes);
  const bytes = Buffer.from(volume.read(0, length));
  bytes.write('NTFS    ', SIGNATURE_AT, 'latin1');
  bytes.writeBigUInt64LE(BigInt(mftCopyCluster), MFT_COPY_AT);
  return { source: new MemorySource(bytes), offset: 0, length };
}
