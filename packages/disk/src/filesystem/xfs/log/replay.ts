import { DiskError } from '../../../error.ts';
import { hex } from '../../../hex.ts';
import type { ByteSource } from '../../../source/byte-source.ts';
import type { Superblock } from '../superblock.ts';
import { type BufferItem, parseBufferItem, replayBuffer } from './buffer-item.ts';
import { CancelledBuffers } from './cancelled-buffers.ts';
import { EditedSource } from './edited-source.ts';
import type { LogRange } from './find-range.ts';
import { replayInodeCreate } from './inode-create.ts';
import { type ReplayTarget, replayInode } from './inode-item.ts';
import { Intents } from './intents.ts';
import { IDLE_ITEM_TYPES, ITEM_TYPE } from './layout.ts';
import type { LogBlocks } from './log-blocks.ts';
import { committedTransactions, type LogItem, type Transaction } from './transactions.ts';

export interface Replayed {
  readonly source: ByteSource;
  readonly warnings: readonly string[];
}

/** Applies all that was committed to a copy in memory of what it changes. @throws DiskError when the log does not hold together */
export function replay(source: ByteSource, superblock: Superblock, log: LogBlocks, range: LogRange): Replayed {
  const isChecked = superblock.version === 5;
  const transactions = () => committedTransactions(log, range, isChecked);
  const cancelled = new CancelledBuffers();
  const intents = new Intents();
  for (const { items } of transactions()) for (const item of items) survey(item, cancelled, intents);
  const target = new EditedSource(source);
  for (const transaction of transactions()) replayTransaction({ target, superblock, cancelled }, transaction);
  return { source: target.toSource(), warnings: intents.warnings };
}

/** What must be known before anything is replayed. */
function survey(item: LogItem, cancelled: CancelledBuffers, intents: Intents): void {
  if (item.type === ITEM_TYPE.BUFFER) noteCancelled(item, cancelled);
  if (intents.note(item) || KNOWN_TYPES.has(item.type)) return;
  throw new DiskError('unsupported', `Cannot replay log: unknown type of item ${hex(item.type)}`, { format: 'xfs' });
}

const KNOWN_TYPES: ReadonlySet<number> = new Set([...Object.values(ITEM_TYPE), ...IDLE_ITEM_TYPES]);

function noteCancelled(item: LogItem, cancelled: CancelledBuffers): void {
  const { block, count, isCancelled } = parseBufferItem(item);
  if (isCancelled) cancelled.add(block, count);
}

/** Buffers first, as inodes may lie in them; then inodes; then what buffers of inodes say; cancellations last. */
function replayTransaction(target: ReplayTarget, { items, lsn }: Transaction): void {
  const buffers = items.filter(({ type }) => type === ITEM_TYPE.BUFFER).map(parseBufferItem);
  const plain = buffers.filter(({ isCancelled, isOfInodes }) => !isCancelled && !isOfInodes);
  for (const buffer of plain) replayUncancelled(target, buffer, lsn);
  for (const item of items.filter(({ type }) => type === ITEM_TYPE.INODE_CREATE)) replayInodeCreate(target, item);
  for (const item of items.filter(({ type }) => type === ITEM_TYPE.INODE)) replayInode(target, item, lsn);
  const ofInodes = buffers.filter(({ isCancelled, isOfInodes }) => !isCancelled && isOfInodes);
  for (const buffer of ofInodes) replayUncancelled(target, buffer, lsn);
  for (const { block, count, isCancelled } of buffers) if (isCancelled) target.cancelled.remove(block, count);
}

function replayUncancelled({ target, superblock, cancelled }: ReplayTarget, buffer: BufferItem, lsn: bigint): void {
  if (!cancelled.has(buffer.block, buffer.count)) replayBuffer(target, superblock, buffer, lsn);
}
