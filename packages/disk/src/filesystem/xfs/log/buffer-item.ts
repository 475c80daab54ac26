import { type Fields, readFields } from '../../../fields.ts';
import { isOf, stampChecksum } from '../checksum.ts';
import { corrupt } from '../corrupt.ts';
import { has } from '../features.ts';
import { BASIC_BLOCK, DI_CRC, DI_NEXT_UNLINKED } from '../layout.ts';
import type { Superblock } from '../superblock.ts';
import type { EditedSource } from './edited-source.ts';
import { BUFFER_CHUNK, BUFFER_FLAG, BUFFER_FORMAT, BUFFER_MAP, MAX_BUFFER_BLOCKS } from './layout.ts';
import { selfOf } from './self-of.ts';
import type { LogItem } from './transactions.ts';

/** Parts of a buffer that were changed. */
export interface BufferItem {
  readonly block: number;
  readonly count: number;
  readonly isCancelled: boolean;
  /** Of a buffer of inodes, only the pointers of the lists of deleted ones count: the rest has items of its own. */
  readonly isOfInodes: boolean;
  readonly pieces: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
}

export function parseBufferItem({ regions }: LogItem): BufferItem {
  const [first = new Uint8Array(), ...contents] = regions;
  const fields = readFields(first, BUFFER_FORMAT, { format: 'xfs' });
  const { blf_len: count, blf_blkno: block, blf_flags: flags } = fields;
  if (count === 0 || count > MAX_BUFFER_BLOCKS) throw corrupt(`Cannot replay log: a buffer of ${count} blocks`, 0);
  const isCancelled = has(flags, BUFFER_FLAG.CANCEL);
  const pieces = isCancelled ? [] : [...piecesOf(first, fields, contents)];
  return { block, count, isCancelled, isOfInodes: has(flags, BUFFER_FLAG.INODE), pieces };
}

/** Each region takes the place of a row of chunks that are set in the map. */
function* piecesOf(first: Uint8Array, fields: Fields<typeof BUFFER_FORMAT>, contents: readonly Uint8Array[]) {
  const chunks = Math.ceil((fields.blf_len * BASIC_BLOCK) / BUFFER_CHUNK);
  const map = first.subarray(BUFFER_MAP, BUFFER_MAP + fields.blf_map_size * 4);
  const isSet = (chunk: number) => chunk < chunks && (((map[chunk >>> 3] ?? 0) >>> (chunk & 7)) & 1) === 1;
  let chunk = 0;
  for (const content of contents) {
    while (chunk < chunks && !isSet(chunk)) chunk++;
    const offset = chunk * BUFFER_CHUNK;
    while (isSet(chunk)) chunk++;
    const bytes = content.subarray(0, chunk * BUFFER_CHUNK - offset);
    if (bytes.length === 0) throw corrupt('Cannot replay log: a buffer has more parts than its map', 0);
    yield { offset, bytes };
  }
}

export function replayBuffer(target: EditedSource, superblock: Superblock, item: BufferItem, lsn: bigint): void {
  const offset = item.block * BASIC_BLOCK;
  const bytes = target.read(offset, item.count * BASIC_BLOCK);
  if (item.isOfInodes) replayUnlinked(bytes, superblock, item);
  else if (isNewer(bytes, superblock, lsn)) return;
  else {
    for (const piece of item.pieces) bytes.set(piece.bytes, piece.offset);
    const self = superblock.version === 5 ? selfOf(bytes) : undefined;
    if (self !== undefined) stampChecksum(bytes, self.crc);
  }
  target.write(offset, bytes);
}

/** Whether a block was written after a transaction: what the transaction knows of it is old. */
function isNewer(bytes: Uint8Array, superblock: Superblock, lsn: bigint): boolean {
  const self = superblock.version === 5 ? selfOf(bytes) : undefined;
  if (self === undefined || !isOf(superblock, bytes, self.uuid)) return false;
  const written = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(self.lsn);
  return written !== 0n && written !== NO_LSN && written >= lsn;
}

export const NO_LSN = 0xffffffffffffffffn;

function replayUnlinked(bytes: Uint8Array, { inodeSize, version }: Superblock, { pieces }: BufferItem): void {
  for (let inode = 0; inode + inodeSize <= bytes.length; inode += inodeSize) {
    const at = inode + DI_NEXT_UNLINKED;
    const piece = pieces.find(({ offset, bytes: part }) => offset <= at && at + 4 <= offset + part.length);
    if (piece === undefined) continue;
    bytes.set(piece.bytes.subarray(at - piece.offset, at - piece.offset + 4), at);
    if (version === 5) stampChecksum(bytes.subarray(inode, inode + inodeSize), DI_CRC);
  }
}
