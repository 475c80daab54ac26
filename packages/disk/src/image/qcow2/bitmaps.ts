import { readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt } from './error.ts';
import type { BitmapDirectory } from './extensions.ts';
import type { Qcow2Header } from './header.ts';
import { BITMAP, BITMAP_FLAG, BITMAP_SIZE, LIMIT } from './layout.ts';

/** A persistent dirty bitmap, listed and otherwise ignored. Fit for JSON. */
export interface Qcow2Bitmap {
  readonly name: string;
  readonly granularity: number;
  /** `in-use`: the writer did not close it, so its content is not to be trusted. */
  readonly flags: readonly ('in-use' | 'auto')[];
}

export function readBitmaps(source: ByteSource, { extensions }: Qcow2Header): readonly Qcow2Bitmap[] {
  const directory = extensions.bitmaps;
  if (directory === undefined) return [];
  checkDirectory(directory, source.sizeBytes);
  const bytes = source.read(directory.offset, directory.sizeBytes);
  const found: Qcow2Bitmap[] = [];
  for (let at = 0; found.length < directory.count; ) {
    const { bitmap, sizeBytes } = readBitmap(bytes.subarray(at), directory.offset + at);
    found.push(bitmap);
    at += Math.ceil(sizeBytes / 8) * 8;
  }
  return found;
}

function checkDirectory({ count, offset, sizeBytes }: BitmapDirectory, fileSize: number): void {
  if (count > LIMIT.bitmaps || sizeBytes > LIMIT.bitmapDirectoryBytes) {
    throw corrupt('bitmap directory', `it has ${count} entries in ${sizeBytes} bytes, which is too many`, offset);
  }
  if (offset + sizeBytes > fileSize) {
    throw corrupt('bitmap directory', `it ends at ${hex(offset + sizeBytes)}, past the end of the file`, offset);
  }
}

function readBitmap(bytes: Uint8Array, offset: number) {
  const fields = readFields(bytes, BITMAP, { format: 'qcow2', offset });
  const nameAt = BITMAP_SIZE + fields.extra_data_size;
  if (nameAt + fields.name_size > bytes.length || fields.granularity_bits > 63) {
    throw corrupt('bitmap directory', `entry has a name of ${fields.name_size} bytes at ${hex(nameAt)}`, offset);
  }
  const bitmap: Qcow2Bitmap = {
    name: new TextDecoder().decode(bytes.subarray(nameAt, nameAt + fields.name_size)),
    granularity: 2 ** fields.granularity_bits,
    flags: [
      ...((fields.flags & BITMAP_FLAG.inUse) !== 0 ? (['in-use'] as const) : []),
      ...((fields.flags & BITMAP_FLAG.auto) !== 0 ? (['auto'] as const) : []),
    ],
  };
  return { bitmap, sizeBytes: nameAt + fields.name_size };
}
