import { readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { lvmChecksum } from './checksum.ts';
import { corrupt } from './error.ts';
import {
  AREA,
  AREA_BYTES,
  LABEL,
  LABEL_CHECKED_FROM,
  LABEL_ID,
  LABEL_SECTORS,
  LABEL_TYPE,
  LABEL_TYPE_AT,
  LIMIT,
  PV_AREAS_AT,
  PV_ID_BYTES,
  SECTOR_BYTES,
} from './layout.ts';

/** What a physical volume says of itself. Offsets and sizes in bytes. */
export interface PhysicalVolumeLabel {
  /** 32 characters, without the hyphens that people see. */
  readonly id: string;
  readonly metadataAreas: readonly Area[];
}

export interface Area {
  readonly offset: number;
  readonly sizeBytes: number;
}

/** Reads the label of a physical volume, which is in one of its first four sectors. */
export function readLabel(source: ByteSource): PhysicalVolumeLabel {
  for (let sector = 0; sector < LABEL_SECTORS; sector++) {
    const offset = sector * SECTOR_BYTES;
    if (offset + SECTOR_BYTES > source.sizeBytes) break;
    const bytes = source.read(offset, SECTOR_BYTES);
    if (latin1(bytes.subarray(0, 8)) === LABEL_ID && latin1(bytes.subarray(LABEL_TYPE_AT, 32)) === LABEL_TYPE) {
      return readLabelSector(bytes, offset);
    }
  }
  throw corrupt('label', 'none of the first four sectors has one', 0);
}

function readLabelSector(bytes: Uint8Array, offset: number): PhysicalVolumeLabel {
  const fields = readFields(bytes, LABEL, { format: 'lvm2', offset });
  if (fields.sector_xl * SECTOR_BYTES !== offset) {
    throw corrupt('label', `it says that it is in sector ${fields.sector_xl}`, offset + 8);
  }
  if (lvmChecksum(bytes.subarray(LABEL_CHECKED_FROM)) !== fields.crc_xl) {
    throw corrupt('label', 'its checksum is wrong', offset + 16);
  }
  const at = fields.offset_xl;
  if (at < 32 || at > SECTOR_BYTES - PV_AREAS_AT) throw corrupt('label', `its content is at ${hex(at)}`, offset + 20);
  const body = bytes.subarray(at);
  const data = readAreas(body, PV_AREAS_AT, offset + at);
  const metadata = readAreas(body, data.end, offset + at);
  return { id: latin1(body.subarray(0, PV_ID_BYTES)), metadataAreas: metadata.areas };
}

function readAreas(body: Uint8Array, start: number, offset: number): { areas: readonly Area[]; end: number } {
  const areas: Area[] = [];
  for (let at = start; ; at += AREA_BYTES) {
    const { offset: begin, size } = readFields(body.subarray(at), AREA, { format: 'lvm2', offset: offset + at });
    if (begin === 0) return { areas, end: at + AREA_BYTES };
    areas.push({ offset: begin, sizeBytes: size });
    if (areas.length > LIMIT.areas) throw corrupt('label', `it names more than ${LIMIT.areas} areas`, offset + at);
  }
}

export function latin1(bytes: Uint8Array): string {
  return new TextDecoder('latin1').decode(bytes);
}
