import { hasText, magic } from '../filesystem/signature/format.ts';
import type { ByteSource } from '../source/byte-source.ts';

const FOREIGN_TABLES = [
  { name: 'Apple partition map', magics: [magic('PM\0\0', 512)] },
  { name: 'BSD disklabel', magics: [magic('\x57\x45\x56\x82', 512), magic('\x57\x45\x56\x82', 64)] },
  { name: 'Sun disk label', magics: [magic('\xda\xbe', 508)] },
  { name: 'SGI disk label', magics: [magic('\x0b\xe5\xa9\x41')] },
] as const;

/** The name of a partition table that is neither GPT nor MBR: named, so that its disk is not taken for an empty one. */
export function findForeignTable(disk: ByteSource): string | undefined {
  return FOREIGN_TABLES.find(({ magics }) => magics.some((text) => hasText(disk, text)))?.name;
}
