import type { DiskError } from '../../error.ts';
import { readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import { corrupt } from './corrupt.ts';
import { FIXUP_STRIDE, MAGIC, RECORD_HEADER } from './layout.ts';

const MARK_BYTES = 2;

/**
 * A record as it was before it was written: the last two bytes of each sector were replaced by a mark, and are kept in the
 * record's head. A mark that is missing tells of a write that was torn.
 * @param stored not changed
 * @throws DiskError `corrupt` when it does not begin with `magic`, or is torn
 */
export function undoFixUps(stored: Uint8Array, magic: keyof typeof MAGIC, offset: number): Uint8Array {
  const header = readFields(stored, RECORD_HEADER, { format: 'ntfs', offset });
  if (header.magic !== MAGIC[magic])
    throw corrupt(`Cannot read ${magic} record: its magic is ${describe(header.magic)}`, offset);
  const strides = stored.length / FIXUP_STRIDE;
  const end = header.usa_ofs + (1 + strides) * MARK_BYTES;
  if (header.usa_count <= strides || header.usa_ofs % MARK_BYTES !== 0 || end > FIXUP_STRIDE - MARK_BYTES) {
    const state = `${header.usa_count} at ${hex(header.usa_ofs)} in ${stored.length} bytes`;
    throw corrupt(`Cannot read ${magic} record: bad fix-ups: ${state}`, offset + RECORD_HEADER.usa_ofs[0]);
  }
  return restore(stored, header.usa_ofs, (at) => torn(magic, offset + at));
}

function restore(stored: Uint8Array, marks: number, tornAt: (at: number) => DiskError): Uint8Array {
  // what was read may be a Buffer, whose slice would share
  const bytes = new Uint8Array(stored);
  for (let index = 1; index * FIXUP_STRIDE <= bytes.length; index++) {
    const at = index * FIXUP_STRIDE - MARK_BYTES;
    if (stored[at] !== stored[marks] || stored[at + 1] !== stored[marks + 1]) throw tornAt(at);
    bytes[at] = stored[marks + index * MARK_BYTES] as number;
    bytes[at + 1] = stored[marks + index * MARK_BYTES + 1] as number;
  }
  return bytes;
}

function describe(magic: number): string {
  return magic === MAGIC.BAAD ? '"BAAD": chkdsk has given it up' : hex(magic);
}

function torn(magic: string, offset: number): DiskError {
  return corrupt(`Cannot read ${magic} record: it is torn: the mark at the end of a sector is another`, offset);
}
