import { readFields } from '../../fields.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { readDescriptors } from './descriptor.ts';
import { corrupt } from './error.ts';
import {
  BOOT_ENTRY,
  BOOT_ENTRY_SIZE,
  BOOT_INDICATOR,
  BOOT_SECTION,
  SECTOR_SIZE,
  VALIDATION_ENTRY,
  VALIDATION_KEY,
} from './layout.ts';

/** What firmware may boot from a disc (El Torito). */
export interface BootEntry {
  /** `x86`, `PowerPC`, `Mac`, `EFI`, or the number of another. */
  readonly platform: string;
  readonly isBootable: boolean;
  readonly media: string;
  readonly loadSegment: number;
  /** How much is loaded, in units of 512 bytes. */
  readonly sectorCount: number;
  /** Where the image begins, in bytes from the start of the filesystem. */
  readonly offset: number;
}

const PLATFORMS: ReadonlyMap<number, string> = new Map([
  [0, 'x86'],
  [1, 'PowerPC'],
  [2, 'Mac'],
  [0xef, 'EFI'],
]);
const MEDIA: readonly string[] = ['none', 'floppy 1.2 MB', 'floppy 1.44 MB', 'floppy 2.88 MB', 'hard disk'];
const MEDIA_MASK = 0x0f;
/** Catalogues are a sector in practice; nothing says how long they may be. */
const MOST_ENTRIES = 256;

/** The entries of the boot catalogue, the initial one first; none on a disc without El Torito. */
export function readBootCatalogue(source: ByteSource): readonly BootEntry[] {
  const { bootCatalogueAt: at } = readDescriptors(source);
  if (at === undefined) return [];
  if (at + SECTOR_SIZE > source.sizeBytes) throw corrupt('Cannot read boot catalogue: it lies past the end', at);
  const length = Math.min(MOST_ENTRIES * BOOT_ENTRY_SIZE, source.sizeBytes - at);
  const bytes = source.read(at, length - (length % BOOT_ENTRY_SIZE));
  const platform = checkValidation(bytes, at);
  return [parseEntry(entryAt(bytes, 1), platform), ...sectionEntries(bytes)];
}

function entryAt(bytes: Uint8Array, index: number): Uint8Array {
  return bytes.subarray(index * BOOT_ENTRY_SIZE, (index + 1) * BOOT_ENTRY_SIZE);
}

/** Its words add up to nothing. */
function checkValidation(bytes: Uint8Array, at: number): number {
  const entry = entryAt(bytes, 0);
  const { header_id, platform, key } = readFields(entry, VALIDATION_ENTRY, { format: 'iso9660', offset: at });
  const sum = entry.reduce((total, byte, index) => total + (index % 2 === 0 ? byte : byte * 256), 0);
  if (header_id === 1 && key === VALIDATION_KEY && sum % 65536 === 0) return platform;
  throw corrupt('Cannot read boot catalogue: its first entry does not validate it', at);
}

function* sectionEntries(bytes: Uint8Array): Generator<BootEntry> {
  const total = bytes.length / BOOT_ENTRY_SIZE;
  for (let index = 2; index < total; ) {
    const { indicator, platform, count } = readFields(entryAt(bytes, index++), BOOT_SECTION);
    if (indicator !== BOOT_INDICATOR.section && indicator !== BOOT_INDICATOR.lastSection) return;
    for (let found = 0; found < count && index < total; ) {
      const entry = entryAt(bytes, index++);
      // goes on with the selection criteria of the entry before
      if (entry[0] === BOOT_INDICATOR.extension) continue;
      yield parseEntry(entry, platform);
      found += 1;
    }
    if (indicator === BOOT_INDICATOR.lastSection) return;
  }
}

function parseEntry(bytes: Uint8Array, platform: number): BootEntry {
  const fields = readFields(bytes, BOOT_ENTRY);
  const media = fields.media & MEDIA_MASK;
  return {
    platform: PLATFORMS.get(platform) ?? `${platform}`,
    isBootable: fields.indicator === BOOT_INDICATOR.bootable,
    media: MEDIA[media] ?? `${media}`,
    loadSegment: fields.load_segment,
    sectorCount: fields.sector_count,
    offset: fields.load_sector * SECTOR_SIZE,
  };
}
