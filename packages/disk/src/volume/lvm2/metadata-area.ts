import { readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { lvmChecksum } from './checksum.ts';
import { corrupt } from './error.ts';
import { type Area, latin1 } from './label.ts';
import {
  LIMIT,
  MDA_CHECKED_FROM,
  MDA_HEADER,
  MDA_HEADER_BYTES,
  MDA_MAGIC,
  MDA_MAGIC_AT,
  RAW_LOCN,
  RAW_LOCN_AT,
  RAW_LOCN_BYTES,
  RAW_LOCN_IGNORED,
} from './layout.ts';

/** The text of the metadata in an area, the version that was committed last; `undefined` where there is none. */
export function readMetadataText(source: ByteSource, area: Area): string | undefined {
  const { offset } = area;
  const header = source.read(offset, MDA_HEADER_BYTES);
  const fields = readFields(header, MDA_HEADER, { format: 'lvm2', offset });
  if (latin1(header.subarray(MDA_MAGIC_AT, MDA_MAGIC_AT + MDA_MAGIC.length)) !== MDA_MAGIC) {
    throw corrupt('metadata area', 'its magic is wrong', offset + MDA_MAGIC_AT);
  }
  if (lvmChecksum(header.subarray(MDA_CHECKED_FROM)) !== fields.checksum_xl) {
    throw corrupt('metadata area', 'the checksum of its header is wrong', offset);
  }
  if (fields.version !== 1 || fields.start !== offset) {
    throw corrupt(
      'metadata area',
      `it is of version ${fields.version} and starts at ${hex(fields.start)}`,
      offset + 20,
    );
  }
  const place = { format: 'lvm2', offset: offset + RAW_LOCN_AT };
  const text = readFields(header.subarray(RAW_LOCN_AT, RAW_LOCN_AT + RAW_LOCN_BYTES), RAW_LOCN, place);
  if (text.offset === 0 || text.size === 0 || (text.flags & RAW_LOCN_IGNORED) !== 0) return undefined;
  return readText(source, { offset, sizeBytes: fields.size }, text);
}

interface TextPlace {
  readonly offset: number;
  readonly size: number;
  readonly checksum: number;
}

/** The area is a ring, but for its header: text that reaches its end goes on behind that. */
function readText(source: ByteSource, area: Area, { offset, size, checksum }: TextPlace): string {
  const room = area.sizeBytes - MDA_HEADER_BYTES;
  if (size > Math.min(room, LIMIT.metadataBytes) || offset < MDA_HEADER_BYTES || offset >= area.sizeBytes) {
    throw corrupt(
      'metadata area',
      `text of ${size} bytes at ${hex(offset)} is not within it`,
      area.offset + RAW_LOCN_AT,
    );
  }
  const first = Math.min(size, area.sizeBytes - offset);
  const pieces = [source.read(area.offset + offset, first), source.read(area.offset + MDA_HEADER_BYTES, size - first)];
  if (lvmChecksum(...pieces) !== checksum) {
    throw corrupt('metadata', 'the checksum of its text is wrong', area.offset + offset);
  }
  const text = new TextDecoder().decode(Buffer.concat(pieces));
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}
