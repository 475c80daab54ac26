import type { ByteSource } from '../../source/byte-source.ts';
import type { DiskImage, ImageContext } from '../image.ts';
import { MappedImage } from '../mapped-image.ts';
import { BlockMap } from './block-map.ts';
import { vhdxFacts } from './facts.ts';
import { readVhdxHeader } from './header.ts';
import { MIB, REGION_TABLE_OFFSETS } from './layout.ts';
import { replayLog } from './log.ts';
import { readMetadata } from './metadata.ts';
import { openVhdxParent } from './parent.ts';
import { checkNoOverlap, readRegions } from './region-table.ts';

export function openVhdx(file: ByteSource, context: ImageContext): DiskImage {
  const header = readVhdxHeader(file);
  const { source, entries: replayedEntries } = replayLog(file, header);
  const { bat, metadata: metadataRegion, warnings } = readRegions(source, file.sizeBytes);
  const regions = [{ what: 'the headers', offset: 0, sizeBytes: MIB }, header.log, bat, metadataRegion];
  checkNoOverlap(regions, REGION_TABLE_OFFSETS[0]);
  const metadata = readMetadata(source, metadataRegion);
  const map = new BlockMap(source, metadata, bat, regions);
  const parent = metadata.parent === undefined ? undefined : openVhdxParent(metadata.parent, context);
  const facts = vhdxFacts({ file, header, metadata, parent, replayedEntries, warnings });
  return new MappedImage({ facts, data: source, map, parent });
}
