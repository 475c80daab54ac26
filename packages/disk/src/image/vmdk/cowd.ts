import { readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt, unsupported } from './error.ts';
import type { VmdkExtent } from './extent.ts';
import { readGrainDirectory } from './grain-directory.ts';
import { TwoLevelGrainTable } from './grain-table.ts';
import { COWD_HEADER, COWD_HEADER_SIZE, COWD_TABLE_ENTRIES, LIMIT, SECTOR_SIZE } from './layout.ts';
import { SparseExtent } from './sparse-extent.ts';

/** Opens a VMFS sparse extent: what ESX wrote snapshots into. */
export function openCowdExtent(source: ByteSource, cacheBytes: number): VmdkExtent {
  const bytes = source.read(0, Math.min(source.sizeBytes, SECTOR_SIZE));
  const fields = readFields(bytes, COWD_HEADER, { format: 'vmdk', offset: 0 });
  if (fields.version !== 1) throw unsupported('COWD header', `version is ${fields.version}, expected 1`, 4);
  if (fields.numSectors === 0) throw corrupt('COWD header', 'the extent has no sectors', 12);
  if (fields.grainSize === 0 || fields.grainSize > LIMIT.grainSectors) {
    throw corrupt('COWD header', `a grain has ${fields.grainSize} sectors, expected 1 to ${LIMIT.grainSectors}`, 16);
  }
  const offset = fields.gdOffset * SECTOR_SIZE;
  if (offset < COWD_HEADER_SIZE)
    throw corrupt('COWD header', `grain directory is at ${hex(offset)}, in the header`, 20);
  const entries = Math.ceil(fields.numSectors / (fields.grainSize * COWD_TABLE_ENTRIES));
  if (fields.numGDEntries < entries) {
    throw corrupt('COWD header', `grain directory has ${fields.numGDEntries} entries, expected ${entries}`, 24);
  }
  const tableBytes = COWD_TABLE_ENTRIES * 4;
  const directory = readGrainDirectory(source, { offset, entries, tableBytes, copyOffset: undefined });
  const grains = new TwoLevelGrainTable({
    source,
    directory,
    entriesPerTable: COWD_TABLE_ENTRIES,
    zeroGrains: false,
    firstGrainSector: fields.gdOffset + Math.ceil((entries * 4) / SECTOR_SIZE),
    cacheBytes,
  });
  return new SparseExtent({
    source,
    sizeBytes: fields.numSectors * SECTOR_SIZE,
    grainBytes: fields.grainSize * SECTOR_SIZE,
    grains,
    warnings: directory.warnings,
  });
}
