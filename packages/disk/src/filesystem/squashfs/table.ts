import { readFields } from '../../fields.ts';
import { corrupt } from './error.ts';
import { METADATA_SIZE } from './layout.ts';
import type { SquashfsVolume } from './volume.ts';

const POINTER_SIZE = 8;

interface Table {
  readonly what: string;
  /** Where the positions of its metadata blocks are. */
  readonly start: number;
  readonly count: number;
  readonly entrySize: number;
}

/** One entry of a table whose blocks are found through a list: users, fragments, attributes. */
export function tableEntry(
  volume: SquashfsVolume,
  { what, start, count, entrySize }: Table,
  index: number,
): Uint8Array {
  if (index >= count) throw corrupt(`Cannot read ${what} ${index}: there are ${count}`, start);
  const position = index * entrySize;
  const pointer = start + Math.floor(position / METADATA_SIZE) * POINTER_SIZE;
  const place = { format: 'squashfs', offset: pointer };
  const { block } = readFields(volume.read(pointer, POINTER_SIZE), { block: [0, 'u64'] }, place);
  return volume.metadata(0, { block, offset: position % METADATA_SIZE }).take(entrySize);
}
