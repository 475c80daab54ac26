import { encodeName } from '../name.ts';
import type { NtfsFile } from './file.ts';
import {
  ATTRIBUTE_TYPE,
  DOS_NAME,
  FILE_ATTRIBUTE,
  FILE_NAME,
  FILE_NAME_SIZE,
  FOLDER_ATTRIBUTE,
  MAX_DESCRIPTOR_BYTES,
  MAX_EA_BYTES,
  MAX_REPARSE_BYTES,
} from './layout.ts';
import type { SecurityDescriptors } from './security.ts';
import type { StandardInformation } from './standard-information.ts';
import { readUnits } from './units.ts';

/**
 * What Windows keeps beside a file that the contract has no word for, by the names and in the form that ntfs-3g gives it:
 * attributes, security descriptor (owner, group, access), reparse point, object id, name for DOS, extended attributes.
 */
export function readXattrs(
  file: NtfsFile,
  information: StandardInformation,
  security: () => SecurityDescriptors,
): ReadonlyMap<string, Uint8Array> {
  const { attributes, securityId } = information;
  const isReparsed = (attributes & FILE_ATTRIBUTE.REPARSE_POINT) !== 0;
  const found: readonly (readonly [name: string, value: Uint8Array | undefined])[] = [
    ['system.ntfs_attrib', attributesOf(file, attributes)],
    ['system.ntfs_acl', descriptorOf(file, securityId, security)],
    ['system.ntfs_reparse_data', isReparsed ? file.value(ATTRIBUTE_TYPE.REPARSE_POINT, MAX_REPARSE_BYTES) : undefined],
    ['system.ntfs_object_id', file.value(ATTRIBUTE_TYPE.OBJECT_ID, MAX_OBJECT_ID_BYTES)],
    ['system.ntfs_dos_name', dosNameOf(file)],
    ['system.ntfs_ea', file.value(ATTRIBUTE_TYPE.EA, MAX_EA_BYTES)],
  ];
  return new Map(found.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const])));
}

const MAX_OBJECT_ID_BYTES = 256;

/** That it is a folder is not among the attributes on the volume. */
function attributesOf({ record }: NtfsFile, attributes: number): Uint8Array {
  const value = new Uint8Array(4);
  new DataView(value.buffer).setUint32(0, record.isFolder ? attributes | FOLDER_ATTRIBUTE : attributes, true);
  return value;
}

/** Before NTFS 3.0, and for the system's own files, each has its own. */
function descriptorOf(
  file: NtfsFile,
  id: number | undefined,
  security: () => SecurityDescriptors,
): Uint8Array | undefined {
  const own = file.value(ATTRIBUTE_TYPE.SECURITY_DESCRIPTOR, MAX_DESCRIPTOR_BYTES);
  return own ?? (id === undefined || id === 0 ? undefined : security().find(id));
}

function dosNameOf(file: NtfsFile): Uint8Array | undefined {
  for (const { type, body } of file.attributes) {
    if (type !== ATTRIBUTE_TYPE.FILE_NAME || !(body instanceof Uint8Array)) continue;
    if (body[FILE_NAME.name_space[0]] !== DOS_NAME) continue;
    const end = FILE_NAME_SIZE + (body[FILE_NAME.name_length[0]] as number) * 2;
    return encodeName(readUnits(body.subarray(FILE_NAME_SIZE, end)));
  }
  return undefined;
}
