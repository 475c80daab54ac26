import { DiskError } from '../../../error.ts';
import { type Fields, readFields } from '../../../fields.ts';
import { hex } from '../../../hex.ts';
import { stampChecksum } from '../checksum.ts';
import { corrupt } from '../corrupt.ts';
import { has } from '../features.ts';
import { BASIC_BLOCK, DI_CRC, DI_LSN, INODE, INODE_CORE_SIZE, INODE_MAGIC, INODE_V3_CORE_SIZE } from '../layout.ts';
import type { Superblock } from '../superblock.ts';
import { NO_LSN } from './buffer-item.ts';
import type { CancelledBuffers } from './cancelled-buffers.ts';
import { toDiskInode, toDiskRoot } from './disk-form.ts';
import type { EditedSource } from './edited-source.ts';
import { INODE_FIELD, INODE_FORMAT, INODE_FORMAT_32, INODE_FORMAT_32_SIZE, MAX_BUFFER_BLOCKS } from './layout.ts';
import type { LogItem } from './transactions.ts';

type InodeFormat = Fields<typeof INODE_FORMAT>;

/** What an inode item is replayed into. */
export interface ReplayTarget {
  readonly target: EditedSource;
  readonly superblock: Superblock;
  readonly cancelled: CancelledBuffers;
}

export function replayInode({ target, superblock, cancelled }: ReplayTarget, item: LogItem, lsn: bigint): void {
  const [first = new Uint8Array(), core, ...forks] = item.regions;
  const format = readFormat(first);
  const { ilf_blkno: block, ilf_len: count, ilf_boffset: within, ilf_ino: number, ilf_fields: fields } = format;
  if (cancelled.has(block, count)) return;
  const { inodeSize, version } = superblock;
  const isPlace = count <= MAX_BUFFER_BLOCKS && within + inodeSize <= count * BASIC_BLOCK && within % inodeSize === 0;
  if (!isPlace || core === undefined) throw broken(number, `it is at ${within} of ${count} blocks`);
  if (has(fields, INODE_FIELD.OWNER | INODE_FIELD.ATTRIBUTE_OWNER)) {
    const message = `Cannot replay log: inode ${number} takes over the blocks of another`;
    throw new DiskError('unsupported', message, { format: 'xfs', offset: block * BASIC_BLOCK });
  }
  const buffer = target.read(block * BASIC_BLOCK, count * BASIC_BLOCK);
  const inode = buffer.subarray(within, within + inodeSize);
  if (readFields(inode, INODE).di_magic !== INODE_MAGIC) throw broken(number, 'there is none in its place');
  if (isNewer(inode, core, lsn)) return;
  inode.set(toDiskInode(core, version));
  if (version === 5) new DataView(inode.buffer, inode.byteOffset).setBigUint64(DI_LSN, lsn);
  replayForks(inode, format, forks, version);
  if (version === 5) stampChecksum(inode, DI_CRC);
  target.write(block * BASIC_BLOCK, buffer);
}

/** Machines of 32 bits lay it out without a gap. */
function readFormat(bytes: Uint8Array): InodeFormat {
  return readFields(bytes, bytes.length === INODE_FORMAT_32_SIZE ? INODE_FORMAT_32 : INODE_FORMAT, { format: 'xfs' });
}

const FLUSHITER = 0x1e;
const MAX_FLUSHITER = 0xffff;

/** Whether an inode was written after a transaction: by its log number, or before version 3 by how often it was written. */
function isNewer(inode: Uint8Array, core: Uint8Array, lsn: bigint): boolean {
  const view = new DataView(inode.buffer, inode.byteOffset, inode.byteLength);
  if (readFields(inode, INODE).di_version >= 3) {
    const written = view.getBigUint64(DI_LSN);
    return written !== 0n && written !== NO_LSN && written > lsn;
  }
  const written = view.getUint16(FLUSHITER);
  const { logged } = readFields(core, { logged: [FLUSHITER, 'u16'] });
  const isWrapped = written === MAX_FLUSHITER && logged < MAX_FLUSHITER >>> 1;
  return logged < written && !isWrapped;
}

function replayForks(inode: Uint8Array, format: InodeFormat, regions: readonly Uint8Array[], version: 4 | 5): void {
  const { ilf_fields: fields, ilf_ino: number } = format;
  const start = version === 5 ? INODE_V3_CORE_SIZE : INODE_CORE_SIZE;
  const { di_forkoff: forkoff } = readFields(inode, INODE);
  const border = forkoff === 0 ? inode.length : start + forkoff * 8;
  if (border > inode.length) throw broken(number, `di_forkoff is ${forkoff}`);
  const rest = [...regions];
  const replay = (fork: Uint8Array, isPlain: boolean, isRoot: boolean) => {
    const logged = isPlain || isRoot ? rest.shift() : undefined;
    if (logged === undefined) return;
    const bytes = isRoot ? toDiskRoot(logged, fork.length, version) : logged;
    if (bytes === undefined || bytes.length > fork.length) throw broken(number, `${logged.length} bytes do not fit`);
    fork.set(bytes);
  };
  const { DATA, EXTENTS, ROOT, ATTRIBUTE_DATA, ATTRIBUTE_EXTENTS, ATTRIBUTE_ROOT, DEVICE } = INODE_FIELD;
  replay(inode.subarray(start, border), has(fields, DATA | EXTENTS), has(fields, ROOT));
  replay(inode.subarray(border), has(fields, ATTRIBUTE_DATA | ATTRIBUTE_EXTENTS), has(fields, ATTRIBUTE_ROOT));
  if (has(fields, DEVICE)) new DataView(inode.buffer, inode.byteOffset).setUint32(start, format.ilf_rdev);
}

function broken(number: number, state: string): DiskError {
  return corrupt(`Cannot replay log: inode ${hex(number)}: ${state}`, 0);
}
