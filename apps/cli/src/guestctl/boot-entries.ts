import { type Disk, DiskError } from '@guestkit/disk';
import { readBootCatalogue } from '@guestkit/disk/boot-catalogue';

export interface BootEntries {
  readonly entries: readonly Readonly<Record<string, unknown>>[];
  readonly warnings: readonly string[];
}

const NONE: BootEntries = { entries: [], warnings: [] };

/** What firmware may boot from a disc (El Torito); none of what is no disc. A damaged catalogue is worth a note, not a failure. */
export function bootEntries({ volumes }: Disk): BootEntries {
  const disc = volumes.find(({ partition, fileSystem }) => partition === undefined && fileSystem?.type === 'iso9660');
  if (disc === undefined) return NONE;
  try {
    const entries = readBootCatalogue(disc.source).map(({ platform, media, isBootable, offset, sectorCount }) => {
      return { platform, media, bootable: isBootable, offset, sector_count: sectorCount };
    });
    return { entries, warnings: [] };
  } catch (error) {
    if (!(error instanceof DiskError) || error.kind !== 'corrupt') throw error;
    return { entries: [], warnings: [error.message] };
  }
}
