import type { ByteSource } from '../../source/byte-source.ts';
import type { DiskImage, ImageFacts } from '../image.ts';
import type { VhdxHeader } from './header.ts';
import { CREATOR } from './layout.ts';
import type { VhdxMetadata } from './metadata.ts';
import { parentName } from './parent.ts';
import type { ParentLocator } from './parent-locator.ts';

export interface VhdxParts {
  /** The file itself, without its log. */
  readonly file: ByteSource;
  readonly header: VhdxHeader;
  readonly metadata: VhdxMetadata;
  readonly parent: DiskImage | undefined;
  readonly replayedEntries: number;
  readonly warnings: readonly string[];
}

export function vhdxFacts({ file, header, metadata, parent, replayedEntries, warnings }: VhdxParts): ImageFacts {
  const { parent: locator } = metadata;
  return {
    format: 'vhdx',
    virtual_size: metadata.virtualSize,
    file_size: file.sizeBytes,
    details: {
      type: typeOf(metadata),
      block_size: metadata.blockSize,
      logical_sector_size: metadata.logicalSectorSize,
      physical_sector_size: metadata.physicalSectorSize ?? null,
      disk_id: metadata.diskId ?? null,
      file_write_guid: header.fileWriteGuid,
      data_write_guid: header.dataWriteGuid,
      creator: creatorOf(file),
      replayed_log_entries: replayedEntries,
      parent: locator === undefined ? null : parentFacts(locator),
    },
    chain: locator === undefined ? [] : [parentName(locator), ...(parent?.facts.chain ?? [])],
    warnings: [
      ...header.warnings,
      ...warnings,
      ...(replayedEntries === 0
        ? []
        : [`file was not closed: ${replayedEntries} entries of its log were replayed in memory`]),
      ...(parent?.facts.warnings ?? []),
    ],
  };
}

// the keys that are known: those of a hostile image are its own affair
function parentFacts(locator: ParentLocator) {
  return {
    linkage: locator.get('parent_linkage') ?? null,
    relative_path: locator.get('relative_path') ?? null,
    absolute_path: locator.get('absolute_win32_path') ?? null,
    volume_path: locator.get('volume_path') ?? null,
  };
}

function typeOf({ parent, leaveBlocksAllocated }: VhdxMetadata): string {
  if (parent !== undefined) return 'differencing';
  return leaveBlocksAllocated ? 'fixed' : 'dynamic';
}

function creatorOf(file: ByteSource): string {
  const text = new TextDecoder('utf-16le').decode(file.read(CREATOR.at, CREATOR.sizeBytes));
  return text.slice(0, text.includes('\0') ? text.indexOf('\0') : undefined);
}
