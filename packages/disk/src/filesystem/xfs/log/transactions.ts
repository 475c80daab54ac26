import { type Fields, readFields } from '../../../fields.ts';
import { corrupt } from '../corrupt.ts';
import { type LogRange, recordsIn } from './find-range.ts';
import {
  CLIENTS,
  FORMAT_LITTLE_ENDIAN,
  OPERATION,
  OPERATION_FLAG,
  OPERATION_SIZE,
  TRANSACTION_HEADER_SIZE,
  TRANSACTION_MAGIC,
} from './layout.ts';
import type { LogBlocks } from './log-blocks.ts';

/** One thing that a transaction changed: what it is, then as many pieces of bytes as that says. */
export interface LogItem {
  readonly type: number;
  readonly regions: readonly Uint8Array[];
}

export interface Transaction {
  /** Of the record that it began in: what was changed later has a higher one. */
  readonly lsn: bigint;
  readonly items: readonly LogItem[];
}

/** A transaction of which the end is not yet seen. */
interface OpenTransaction {
  readonly lsn: bigint;
  /** What was read of its own header; items follow when it is whole. */
  header: Uint8Array;
  readonly items: { readonly regions: Uint8Array[] }[];
}

/** The transactions of a range of records that were committed, in the order of their ends. */
export function* committedTransactions(log: LogBlocks, range: LogRange, isChecked: boolean): Generator<Transaction> {
  const open = new Map<number, OpenTransaction>();
  for (const { header, content } of recordsIn(log, range, isChecked)) {
    const { h_lsn: lsn, h_num_logops: count, h_fmt: format } = header.fields;
    if (format !== FORMAT_LITTLE_ENDIAN) throw corrupt(`Cannot read log: unknown byte order ${format}`, 0);
    for (const { operation, bytes } of operationsOf(content, count)) {
      const done = advance(open, operation, bytes, lsn);
      if (done !== undefined) yield done;
    }
  }
}

type Operation = Fields<typeof OPERATION>;

function* operationsOf(content: Uint8Array, count: number): Generator<{ operation: Operation; bytes: Uint8Array }> {
  for (let index = 0, position = 0; index < count && position < content.length; index++) {
    const operation = readFields(content.subarray(position), OPERATION, { format: 'xfs' });
    const start = position + OPERATION_SIZE;
    position = start + operation.oh_len;
    if (!CLIENTS.includes(operation.oh_clientid) || position > content.length) {
      throw corrupt(`Cannot read log: bad operation of client ${operation.oh_clientid}, ${operation.oh_len} bytes`, 0);
    }
    yield { operation, bytes: content.subarray(start, position) };
  }
}

/** Adds an operation to its transaction, which is returned when that was its end. */
function advance(
  open: Map<number, OpenTransaction>,
  { oh_tid: id, oh_flags: flags }: Operation,
  bytes: Uint8Array,
  lsn: bigint,
): Transaction | undefined {
  const transaction = open.get(id);
  if (transaction === undefined) {
    // what began before the range was finished before it
    if ((flags & OPERATION_FLAG.START) !== 0) open.set(id, { lsn, header: new Uint8Array(), items: [] });
    return undefined;
  }
  if ((flags & OPERATION_FLAG.UNMOUNT) !== 0) open.delete(id);
  else if ((flags & OPERATION_FLAG.WAS_CONTINUED) !== 0) continueRegion(transaction, bytes);
  else if ((flags & OPERATION_FLAG.COMMIT) === 0) addRegion(transaction, bytes);
  else {
    open.delete(id);
    return { lsn: transaction.lsn, items: transaction.items.map(itemOf) };
  }
  return undefined;
}

/** The rest of a region that a record had no room for. */
function continueRegion(transaction: OpenTransaction, bytes: Uint8Array): void {
  const last = transaction.items.at(-1);
  if (last === undefined) addToHeader(transaction, bytes);
  else last.regions.push(Buffer.concat([last.regions.pop() ?? new Uint8Array(), bytes]));
}

function addRegion(transaction: OpenTransaction, bytes: Uint8Array): void {
  if (bytes.length === 0) return;
  const last = transaction.items.at(-1);
  if (transaction.header.length < TRANSACTION_HEADER_SIZE) addToHeader(transaction, bytes);
  else if (last !== undefined && last.regions.length < regionCountOf(last.regions[0])) last.regions.push(bytes);
  else transaction.items.push({ regions: [bytes] });
}

function addToHeader(transaction: OpenTransaction, bytes: Uint8Array): void {
  transaction.header = Buffer.concat([transaction.header, bytes]);
  const { length } = transaction.header;
  const isRight = length < 4 || readFields(transaction.header, { magic: [0, 'u32'] }).magic === TRANSACTION_MAGIC;
  if (!isRight || length > TRANSACTION_HEADER_SIZE) throw corrupt('Cannot read log: a transaction has no header', 0);
}

/** How many regions an item has, the first included, as that one says. */
function regionCountOf(first: Uint8Array | undefined): number {
  const count = readFields(first ?? new Uint8Array(), { size: [2, 'u16'] }, { format: 'xfs' }).size;
  if (count > 0) return count;
  throw corrupt('Cannot read log: an item has no regions', 0);
}

function itemOf({ regions }: { readonly regions: readonly Uint8Array[] }): LogItem {
  const [first = new Uint8Array()] = regions;
  const { type } = readFields(first, { type: [0, 'u16'] }, { format: 'xfs' });
  if (regions.length === regionCountOf(first)) return { type, regions };
  throw corrupt(`Cannot read log: an item of type ${type} has ${regions.length} regions`, 0);
}
