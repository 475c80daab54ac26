import { DiskError } from '../../error.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { MemorySource } from '../../source/memory-source.ts';
import type { NtfsFile } from './file.ts';
import { ATTRIBUTE_TYPE, CLOUD_TAG_BITS, REPARSE_TAG } from './layout.ts';
import type { ReparsePoint } from './reparse-point.ts';
import { openWof } from './wof-content.ts';

/** Where the content of a file is that is kept in another way, as messages say it. */
const KEEPERS: ReadonlyMap<number, string> = new Map([
  [REPARSE_TAG.DEDUP, 'deduplicated'],
  [REPARSE_TAG.CLOUD, 'in a cloud'],
  [REPARSE_TAG.HSM, 'on another storage (HSM)'],
  [REPARSE_TAG.HSM2, 'on another storage (HSM)'],
  [REPARSE_TAG.SIS, 'shared with other files (SIS)'],
  [REPARSE_TAG.WIM, 'in a mounted WIM archive'],
  [REPARSE_TAG.NFS, 'on an NFS server'],
  [REPARSE_TAG.PROJFS, 'projected by a program (ProjFS)'],
]);

/** @throws DiskError `unsupported`, naming what keeps the content */
export function openReparsed(file: NtfsFile, point: ReparsePoint): ByteSource {
  if (point.tag === REPARSE_TAG.WOF) return openWof(file, point);
  const content = file.content(ATTRIBUTE_TYPE.DATA) ?? new MemorySource(new Uint8Array());
  // nothing is kept of it anywhere: an alias of a program, say
  if (content.sizeBytes === 0) return content;
  const tag = (point.tag & ~CLOUD_TAG_BITS) >>> 0 === REPARSE_TAG.CLOUD ? REPARSE_TAG.CLOUD : point.tag;
  const keeper = KEEPERS.get(tag) ?? 'kept in a way that is not known';
  const message = `Cannot open file record ${file.record.number}: its content is ${keeper}, reparse tag ${hex(point.tag)}`;
  throw new DiskError('unsupported', message, { format: 'ntfs', offset: point.offset });
}
