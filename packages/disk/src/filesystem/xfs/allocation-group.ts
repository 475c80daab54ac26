import { type Fields, readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import { checkSelf } from './checksum.ts';
import { corrupt } from './corrupt.ts';
import {
  AGF,
  AGF_MAGIC,
  AGF_SECTOR,
  AGF_SELF,
  AGFL,
  AGFL_HEADER_SIZE,
  AGFL_MAGIC,
  AGFL_SECTOR,
  AGFL_SELF,
} from './layout.ts';
import type { XfsVolume } from './volume.ts';

/** What a group says of its free space. */
export interface FreeHeader {
  readonly group: number;
  readonly offset: number;
  readonly fields: Fields<typeof AGF>;
}

export function readFreeHeader(volume: XfsVolume, group: number): FreeHeader {
  const { sectorSize } = volume.superblock;
  const offset = volume.groupOffset(group) + AGF_SECTOR * sectorSize;
  const bytes = volume.metadata(offset, sectorSize);
  const fields = readFields(bytes, AGF, { format: 'xfs', offset });
  const ensure = (field: keyof typeof AGF, isRight: boolean) => {
    if (!isRight)
      throw corrupt(`Cannot read group ${group}: ${field} is ${hex(fields[field])}`, offset + AGF[field][0]);
  };
  ensure('agf_magicnum', fields.agf_magicnum === AGF_MAGIC);
  checkSelf(volume.superblock, bytes, AGF_SELF, { what: `free space of group ${group}`, offset });
  ensure('agf_versionnum', fields.agf_versionnum === 1);
  ensure('agf_seqno', fields.agf_seqno === group);
  ensure('agf_length', fields.agf_length === volume.blocksOf(group));
  ensure('agf_freeblks', fields.agf_freeblks <= fields.agf_length);
  return { group, offset, fields };
}

/** Blocks that a group keeps at hand for its trees: nothing is in them. In no order. */
export function readFreeList(volume: XfsVolume, { group, fields }: FreeHeader): number[] {
  const { sectorSize, version } = volume.superblock;
  const offset = volume.groupOffset(group) + AGFL_SECTOR * sectorSize;
  const bytes = volume.metadata(offset, sectorSize);
  if (version === 5) checkList(volume, bytes, group, offset);
  const start = version === 5 ? AGFL_HEADER_SIZE : 0;
  const size = Math.floor((sectorSize - start) / 4);
  const { agf_flfirst: first, agf_fllast: last, agf_flcount: count } = fields;
  if (first >= size || last >= size || count > size) {
    throw corrupt(
      `Cannot read free list of group ${group}: ${count} blocks from ${first} to ${last} of ${size}`,
      offset,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: count }, (_, index) => view.getUint32(start + ((first + index) % size) * 4));
}

function checkList(volume: XfsVolume, bytes: Uint8Array, group: number, offset: number): void {
  const { agfl_magicnum: magic, agfl_seqno: number } = readFields(bytes, AGFL, { format: 'xfs', offset });
  if (magic !== AGFL_MAGIC || number !== group) {
    throw corrupt(`Cannot read free list of group ${group}: magic ${hex(magic)}, number ${number}`, offset);
  }
  checkSelf(volume.superblock, bytes, AGFL_SELF, { what: `free list of group ${group}`, offset });
}

/** Blocks that nothing is kept in, by what all groups say: after a crash, the superblock does not know. */
export function countFreeBlocks(volume: XfsVolume): number {
  let count = 0;
  for (let group = 0; group < volume.superblock.groupCount; group++) {
    const { agf_freeblks: free, agf_flcount: listed, agf_btreeblks: trees } = readFreeHeader(volume, group).fields;
    count += free + listed + trees;
  }
  return count;
}
