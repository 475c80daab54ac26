import { readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { ByteRange } from '../file-system.ts';
import { type FreeHeader, readFreeHeader, readFreeList } from './allocation-group.ts';
import { checkSelf } from './checksum.ts';
import { corrupt } from './corrupt.ts';
import {
  BNO_CRC_MAGIC,
  BNO_MAGIC,
  BTREE_BLOCK,
  MAX_BTREE_LEVELS,
  SHORT_BTREE_CRC_HEADER_SIZE,
  SHORT_BTREE_HEADER_SIZE,
  SHORT_BTREE_SELF,
} from './layout.ts';
import type { XfsVolume } from './volume.ts';

const RECORD_SIZE = 8;
const POINTER_SIZE = 4;

/** Blocks of a group in a row. */
interface BlockRun {
  readonly first: number;
  readonly count: number;
}

/** What nothing is kept in, in order and joined: what each group's tree of free space says, and its list of blocks at hand. */
export function* freeRanges(volume: XfsVolume): Generator<ByteRange> {
  const { groupCount, groupBlocks, blockSize } = volume.superblock;
  let current: BlockRun | undefined;
  for (let group = 0; group < groupCount; group++) {
    for (const { first, count } of freeRunsOf(volume, readFreeHeader(volume, group))) {
      const start = group * groupBlocks + first;
      if (current !== undefined && current.first + current.count === start) {
        current = { first: current.first, count: current.count + count };
        continue;
      }
      if (current !== undefined) yield rangeOf(current, blockSize);
      current = { first: start, count };
    }
  }
  if (current !== undefined) yield rangeOf(current, blockSize);
}

function rangeOf({ first, count }: BlockRun, blockSize: number): ByteRange {
  return { offset: first * blockSize, length: count * blockSize };
}

/** The tree has the blocks in order; those of the list, of which there are few, are put between them. */
function* freeRunsOf(volume: XfsVolume, header: FreeHeader): Generator<BlockRun> {
  const listed = readFreeList(volume, header).sort((one, other) => other - one);
  let end = 0;
  for (const run of mergeListed(treeRuns(volume, header), listed)) {
    if (run.first < end || run.count === 0 || run.first + run.count > header.fields.agf_length) {
      const state = `blocks ${run.first} to ${run.first + run.count} of ${end} to ${header.fields.agf_length}`;
      throw corrupt(`Cannot read free space of group ${header.group}: ${state}`, header.offset);
    }
    end = run.first + run.count;
    yield run;
  }
}

/** @param listed blocks, the last first */
function* mergeListed(runs: Iterable<BlockRun>, listed: number[]): Generator<BlockRun> {
  for (const run of runs) {
    while ((listed.at(-1) ?? run.first) < run.first) yield { first: listed.pop() as number, count: 1 };
    yield run;
  }
  while (listed.length > 0) yield { first: listed.pop() as number, count: 1 };
}

function treeRuns(volume: XfsVolume, header: FreeHeader): Generator<BlockRun> {
  const { agf_bno_root: root, agf_bno_level: levels } = header.fields;
  if (levels >= 1 && levels <= MAX_BTREE_LEVELS) return runsBelow(volume, header, root, levels - 1);
  throw corrupt(`Cannot read free space of group ${header.group}: agf_bno_level is ${levels}`, header.offset);
}

/** Runs must ascend, and only a root may have none: so even a tree that leads to a block twice comes to an end. */
function* runsBelow(volume: XfsVolume, header: FreeHeader, block: number, level: number): Generator<BlockRun> {
  const { bytes, start, count } = readTreeBlock(volume, header, block, level);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const room = Math.floor((bytes.length - start) / (level === 0 ? RECORD_SIZE : RECORD_SIZE + POINTER_SIZE));
  const isRoot = block === header.fields.agf_bno_root;
  if (count > room || (count === 0 && !(isRoot && level === 0))) {
    const state = `${count} entries in block ${block}, there is room for ${room}`;
    throw corrupt(`Cannot read free space of group ${header.group}: ${state}`, header.offset);
  }
  for (let index = 0; index < count; index++) {
    const record = start + index * RECORD_SIZE;
    if (level === 0) yield { first: view.getUint32(record), count: view.getUint32(record + 4) };
    else {
      const pointer = start + room * RECORD_SIZE + index * POINTER_SIZE;
      yield* runsBelow(volume, header, view.getUint32(pointer), level - 1);
    }
  }
}

function readTreeBlock(volume: XfsVolume, { group, fields }: FreeHeader, block: number, level: number) {
  const { superblock } = volume;
  const { blockSize, version } = superblock;
  const offset = volume.groupOffset(group) + block * blockSize;
  const what = `free space of group ${group}`;
  if (block >= fields.agf_length) throw corrupt(`Cannot read ${what}: a tree leads to block ${block}`, offset);
  const bytes = volume.metadata(offset, blockSize);
  const header = readFields(bytes, BTREE_BLOCK, { format: 'xfs', offset });
  if (header.bb_magic !== (version === 5 ? BNO_CRC_MAGIC : BNO_MAGIC) || header.bb_level !== level) {
    const state = `bb_magic is ${hex(header.bb_magic)}, bb_level ${header.bb_level}, expected level ${level}`;
    throw corrupt(`Cannot read ${what}: ${state}`, offset);
  }
  checkSelf(superblock, bytes, SHORT_BTREE_SELF, { what, offset });
  const start = version === 5 ? SHORT_BTREE_CRC_HEADER_SIZE : SHORT_BTREE_HEADER_SIZE;
  return { bytes, start, count: header.bb_numrecs };
}
