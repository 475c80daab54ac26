import { readFields } from '../../fields.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { optional } from '../signature/format.ts';
import { isPowerOfTwo } from './boot-sector.ts';
import type { NtfsFile } from './file.ts';
import { undoFixUps } from './fix-up.ts';
import {
  ATTRIBUTE_TYPE,
  FIXUP_STRIDE,
  MAX_RECORD_BYTES,
  NO_CLIENTS,
  RESTART_AREA,
  RESTART_PAGE,
  VOLUME_IS_CLEAN,
} from './layout.ts';

/**
 * Whether what the log has is on the volume too: it was closed, or never used. Two pages at its start tell; the newer counts.
 * `false` also where none of them can be read.
 */
export function isLogClean(file: NtfsFile): boolean {
  const log = file.metadata(ATTRIBUTE_TYPE.DATA);
  if (log === undefined || log.sizeBytes < FIXUP_STRIDE) return false;
  const head = log.read(0, FIXUP_STRIDE);
  if (head.every((byte) => byte === 0xff)) return true;
  const pageBytes = readFields(head, RESTART_PAGE, { format: 'ntfs' }).system_page_size;
  const isSound = isPowerOfTwo(pageBytes) && pageBytes >= FIXUP_STRIDE && pageBytes <= MAX_RECORD_BYTES;
  if (!isSound) return false;
  const pages = [0, pageBytes].flatMap((at) => optional(() => readRestart(log, at, pageBytes)) ?? []);
  return pages.sort((one, other) => Number(other.sequence - one.sequence))[0]?.isClean ?? false;
}

interface Restart {
  readonly sequence: bigint;
  readonly isClean: boolean;
}

function readRestart(log: ByteSource, at: number, pageBytes: number): Restart {
  const page = undoFixUps(log.read(at, pageBytes), 'RSTR', at);
  const start = readFields(page, RESTART_PAGE).restart_area_offset;
  const area = readFields(page.subarray(start), RESTART_AREA);
  const isClean = area.client_in_use_list === NO_CLIENTS || (area.flags & VOLUME_IS_CLEAN) !== 0;
  return { sequence: area.current_lsn, isClean };
}
