import { hasText, magic } from '../filesystem/signature/format.ts';
import type { ByteSource } from '../source/byte-source.ts';
import { hasAtariTable } from './atari.ts';

const FOREIGN_TABLES = [
  { name: 'Apple partition map', magics: [magic('PM\0\0', 512)] },
  { name: 'BSD disklabel', magics: [magic('\x57\x45\x56\x82', 512), magic('\x57\x45\x56\x82', 64)] },
  {
    name: 'Amiga rigid disk block',
    magics: [magic('RDSK'), magic('RDSK', 512), magic('RDSK', 1024), magic('RDSK', 1536)],
  },
  { name: 'AIX volume table', magics: [magic('\xc9\xc2\xd4\xc1')] },
  { name: 'Ultrix disk label', magics: [magic('\x57\x29\x03\x00', 16312)] },
  { name: 'DASD volume label', magics: [magic('\xe5\xd6\xd3\xf1', 1024), magic('\xe5\xd6\xd3\xf1', 8196)] },
  { name: 'Sun disk label', magics: [magic('\xda\xbe', 508)] },
  { name: 'SGI disk label', magics: [magic('\x0b\xe5\xa9\x41')] },
] as const;

/** The name of a partition table that cannot be read: named, so that its disk is not taken for an empty one. */
export function findForeignTable(disk: ByteSource): string | undefined {
  const found = FOREIGN_TABLES.find(({ magics }) => magics.some((text) => hasText(disk, text)))?.name;
  return found ?? (hasAtariTable(disk) ? 'Atari partition table' : undefined);
}
