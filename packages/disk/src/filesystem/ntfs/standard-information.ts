import { readFields } from '../../fields.ts';
import { isResident } from './attribute.ts';
import type { NtfsFile } from './file.ts';
import { ATTRIBUTE_TYPE, SECURITY_ID, STANDARD_INFORMATION, VERSIONS } from './layout.ts';

/** What every file says of itself. Times are in steps of 100 ns since 1601. */
export interface StandardInformation {
  readonly createdAt: bigint;
  readonly modifiedAt: bigint;
  readonly changedAt: bigint;
  readonly accessedAt: bigint;
  readonly attributes: number;
  /** Names in the folder that differ in case only are different. */
  readonly isCaseSensitive: boolean;
  /** Of its security descriptor; `undefined` before NTFS 3.0. */
  readonly securityId: number | undefined;
}

const NONE: StandardInformation = {
  createdAt: 0n,
  modifiedAt: 0n,
  changedAt: 0n,
  accessedAt: 0n,
  attributes: 0,
  isCaseSensitive: false,
  securityId: undefined,
};

/** Some of the system's own files have none. */
export function readStandardInformation(file: NtfsFile): StandardInformation {
  const attribute = file.find(ATTRIBUTE_TYPE.STANDARD_INFORMATION);
  if (attribute === undefined || !isResident(attribute)) return NONE;
  const { body, offset } = attribute;
  const fields = readFields(body, STANDARD_INFORMATION, { format: 'ntfs', offset });
  const { maximum_versions, version_number } = readFields(body, VERSIONS, { format: 'ntfs', offset });
  return {
    createdAt: fields.creation_time,
    modifiedAt: fields.last_data_change_time,
    changedAt: fields.last_mft_change_time,
    accessedAt: fields.last_access_time,
    attributes: fields.file_attributes,
    isCaseSensitive: maximum_versions === 0 && version_number === 1,
    securityId: body.length < SECURITY_ID.security_id[0] + 4 ? undefined : readFields(body, SECURITY_ID).security_id,
  };
}
