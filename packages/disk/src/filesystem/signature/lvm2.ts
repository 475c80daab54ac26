import { readFields } from '../../fields.ts';
import { lazy } from '../../lazy.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { hasText, type Magic, magic, peek, type Refinement } from './format.ts';

const zlib = lazy<typeof import('node:zlib')>(import.meta, 'node:zlib');

const SECTOR_SIZE = 512;
const LABEL = { sector: [8, 'u64'], crc: [16, 'u32'], pv_header_offset: [20, 'u32'] } as const;
const CRC_START = 20;
// LVM's CRC-32 starts from this and is not inverted at the end, unlike that of zlib
const CRC_SEED = 0xf597a6cf;
const UUID_LENGTH = 32;

/** The label is in one of the first four sectors, and says in which. */
export function refineLvm2(volume: ByteSource, found: Magic): Refinement | undefined {
  const at = found.at;
  const label = peek(volume, at, SECTOR_SIZE);
  if (label === undefined || !hasText(volume, magic('LVM2 001', at + 24))) return undefined;
  const fields = readFields(label, LABEL);
  const crc = ~zlib().crc32(label.subarray(CRC_START), ~CRC_SEED >>> 0) >>> 0;
  if (fields.sector * SECTOR_SIZE !== at || crc !== fields.crc) return undefined;
  if (fields.pv_header_offset > SECTOR_SIZE - UUID_LENGTH) return undefined;
  const uuid = new TextDecoder('latin1').decode(label.subarray(fields.pv_header_offset).subarray(0, UUID_LENGTH));
  return { uuid: uuid.replace(/^(.{6})(.{4})(.{4})(.{4})(.{4})(.{4})(.{6})$/, '$1-$2-$3-$4-$5-$6-$7') };
}
