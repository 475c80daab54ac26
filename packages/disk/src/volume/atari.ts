import { readFields } from '../fields.ts';
import type { ByteSource } from '../source/byte-source.ts';

// Atari (AHDI) root sector, big-endian: the first sector of a disk. It has no signature.
const ROOT_SECTOR_SIZE = 512;
const ENTRIES_OFFSET = 0x1c6;
const ENTRY_SIZE = 12;
const ENTRY_COUNT = 4;
const ENTRY = { flags: [0, 'u8'], start: [4, 'u32be'], sectors: [8, 'u32be'] } as const;
const ID_OFFSET = 1;
const IN_USE = 0x01;

/** Whether the first sector may be the table of an Atari: as with Linux, one entry that makes sense decides. */
export function hasAtariTable(disk: ByteSource): boolean {
  if (disk.sizeBytes < ROOT_SECTOR_SIZE) return false;
  const sector = disk.read(0, ROOT_SECTOR_SIZE);
  const sectorCount = Math.floor(disk.sizeBytes / ROOT_SECTOR_SIZE);
  return Array.from({ length: ENTRY_COUNT }, (_, index) => {
    const at = ENTRIES_OFFSET + index * ENTRY_SIZE;
    return sector.subarray(at, at + ENTRY_SIZE);
  }).some((entry) => isAtariEntry(entry, sectorCount));
}

function isAtariEntry(bytes: Uint8Array, sectorCount: number): boolean {
  const { flags, start, sectors } = readFields(bytes, ENTRY);
  // three letters: GEM, BGM, XGM, RAW …
  const id = String.fromCharCode(...bytes.subarray(ID_OFFSET, ID_OFFSET + 3));
  return (
    (flags & IN_USE) !== 0 && /^[0-9A-Za-z]{3}$/.test(id) && start > 0 && sectors > 0 && start + sectors <= sectorCount
  );
}
