import type { FileStat } from '../file-system.ts';
import { encodeName } from '../name.ts';
import type { Attribute } from './attribute.ts';
import type { NtfsFile } from './file.ts';
import { ATTRIBUTE_TYPE, DOS_NAME, FILE_NAME, FOLDER_INDEX } from './layout.ts';
import type { FileKind } from './special-file.ts';
import type { StandardInformation } from './standard-information.ts';
import { timeOf } from './time.ts';

/** Owners and permissions are those of Windows: all is root's and open to all, as ntfs-3g shows it; see `system.ntfs_acl`. */
const MODE = 0o777;

export function statOf(file: NtfsFile, information: StandardInformation, kind: FileKind): FileStat {
  const { type, device } = kind;
  let links: number | undefined;
  return {
    type,
    mode: MODE,
    uid: 0,
    gid: 0,
    sizeBytes: sizeOf(file, kind),
    // takes reading all records of the file, and is hardly ever asked for
    get links() {
      links ??= countLinks(file);
      return links;
    },
    inode: file.record.number,
    modifiedAt: timeOf(information.modifiedAt),
    changedAt: timeOf(information.changedAt),
    accessedAt: timeOf(information.accessedAt),
    createdAt: timeOf(information.createdAt),
    ...(device && { device }),
  };
}

function sizeOf(file: NtfsFile, { type, target }: FileKind): number {
  if (type === 'symlink' && target !== undefined) return encodeName(target).length;
  if (!file.record.isFolder) return storedSize(file.find(ATTRIBUTE_TYPE.DATA));
  // what fits into the file's record is not counted
  return storedSize(file.find(ATTRIBUTE_TYPE.INDEX_ALLOCATION, FOLDER_INDEX));
}

function storedSize(attribute: Attribute | undefined): number {
  const body = attribute?.body;
  if (body === undefined) return 0;
  return body instanceof Uint8Array ? body.length : (body.sizes?.sizeBytes ?? 0);
}

/** A name for DOS beside another is counted in the record, but is no link. */
function countLinks(file: NtfsFile): number {
  const { links } = file.record;
  return links < 2 ? links : links - file.attributes.filter(isDosName).length;
}

function isDosName({ type, body }: Attribute): boolean {
  return type === ATTRIBUTE_TYPE.FILE_NAME && body instanceof Uint8Array && body[FILE_NAME.name_space[0]] === DOS_NAME;
}
