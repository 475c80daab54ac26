import { readFields } from '../../fields.ts';
import { readUuid } from '../../guid.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt, unsupported } from './error.ts';
import {
  CHECKSUM_0_AT,
  CHECKSUM_1_AT,
  FEATURE,
  LIMIT,
  MD_MAGIC,
  MINOR_RESHAPE,
  MOST_ROLES,
  ROLE_NONE,
  ROLES_AT,
  SECTOR_BYTES,
  SET_UUID_AT,
  STATE_ACTIVE_SYNC,
  STATE_FAULTY,
  SUPERBLOCK_0,
  SUPERBLOCK_0_ALIGNMENT,
  SUPERBLOCK_0_BYTES,
  SUPERBLOCK_1,
  SUPERBLOCK_1_BYTES,
  SUPERBLOCK_HEAD,
  UUID_0_WORDS,
} from './layout.ts';

/** What a member says of its array and of its own part in it. Sizes and offsets in bytes. */
export interface MemberSuperblock {
  readonly arrayId: string;
  readonly level: number;
  readonly layout: number;
  readonly chunkBytes: number;
  readonly members: number;
  /** How much of each member the array uses; 0 where members are used as far as they go. */
  readonly usedBytes: number;
  /** Grows with every change: a member that is behind was left out. */
  readonly events: number;
  /** Place in the array; `undefined` for a spare, or for what is not in step. */
  readonly place: number | undefined;
  readonly dataOffset: number;
  readonly dataBytes: number;
}

/** @throws DiskError `corrupt`, or `unsupported` for an array that is being reshaped */
export function readSuperblock(source: ByteSource): MemberSuperblock {
  const superblock = readVersion1(source) ?? readVersion0(source);
  if (superblock === undefined) throw corrupt('there is none', 0);
  const { members, chunkBytes } = superblock;
  if (members < 1 || members > LIMIT.members) throw corrupt(`array has ${members} members`, 0);
  if (chunkBytes > LIMIT.chunkBytes || chunkBytes % SECTOR_BYTES !== 0) {
    throw corrupt(`chunks have ${chunkBytes} bytes`, 0);
  }
  return superblock;
}

function readVersion1(source: ByteSource): MemberSuperblock | undefined {
  const sectors = Math.floor(source.sizeBytes / SECTOR_BYTES);
  // 1.1 at the start, 1.2 behind 4 KiB, 1.0 near the end
  for (const offset of [0, 4096, Math.floor((sectors - 16) / 8) * 8 * SECTOR_BYTES]) {
    if (offset < 0 || offset + SUPERBLOCK_1_BYTES > source.sizeBytes) continue;
    const bytes = source.read(offset, SUPERBLOCK_1_BYTES);
    const { magic, major_version } = readFields(bytes, SUPERBLOCK_HEAD);
    if (magic !== MD_MAGIC || major_version !== 1) continue;
    const fields = readFields(bytes, SUPERBLOCK_1, { format: 'mdraid', offset });
    if (fields.super_offset * SECTOR_BYTES === offset) return toMember1(source, offset, fields);
  }
  return undefined;
}

type Fields1 = { readonly [Name in keyof typeof SUPERBLOCK_1]: number };

function toMember1(source: ByteSource, offset: number, fields: Fields1): MemberSuperblock {
  if (fields.max_dev > MOST_ROLES) throw corrupt(`it has ${fields.max_dev} roles`, offset + 220);
  const bytes = source.read(offset, ROLES_AT + 2 * fields.max_dev);
  if (checksumOf(bytes, CHECKSUM_1_AT, true) !== fields.sb_csum) throw corrupt('its checksum is wrong', offset + 216);
  if ((fields.feature_map & FEATURE.reshape) !== 0) throw unsupported('it is being reshaped');
  if ((fields.feature_map & FEATURE.journal) !== 0)
    throw unsupported('it has a journal, which may hold what is not on it');
  const role = fields.dev_number < fields.max_dev ? roleAt(bytes, fields.dev_number) : ROLE_NONE;
  const isInStep = role < ROLE_NONE && (fields.feature_map & FEATURE.recovery) === 0;
  return {
    arrayId: readUuid(bytes, SET_UUID_AT),
    level: fields.level,
    layout: fields.layout,
    chunkBytes: fields.chunksize * SECTOR_BYTES,
    members: fields.raid_disks,
    usedBytes: fields.size * SECTOR_BYTES,
    events: fields.events,
    place: isInStep ? role : undefined,
    dataOffset: fields.data_offset * SECTOR_BYTES,
    dataBytes: fields.data_size * SECTOR_BYTES,
  };
}

function roleAt(bytes: Uint8Array, device: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint16(ROLES_AT + 2 * device, true);
}

function readVersion0(source: ByteSource): MemberSuperblock | undefined {
  const offset =
    Math.floor(source.sizeBytes / SUPERBLOCK_0_ALIGNMENT) * SUPERBLOCK_0_ALIGNMENT - SUPERBLOCK_0_ALIGNMENT;
  if (offset < 0) return undefined;
  const stored = source.read(offset, SUPERBLOCK_0_BYTES);
  for (const isLittleEndian of [true, false]) {
    const bytes = isLittleEndian ? stored : swapWords(stored);
    const fields = readFields(bytes, SUPERBLOCK_0, { format: 'mdraid', offset });
    if (fields.magic === MD_MAGIC && fields.major_version === 0) {
      return toMember0(bytes, offset, { fields, isLittleEndian });
    }
  }
  return undefined;
}

interface Version0 {
  readonly fields: { readonly [Name in keyof typeof SUPERBLOCK_0]: number };
  readonly isLittleEndian: boolean;
}

function toMember0(bytes: Uint8Array, offset: number, { fields, isLittleEndian }: Version0): MemberSuperblock {
  if (checksumOf(bytes, CHECKSUM_0_AT, true) !== fields.sb_csum) throw corrupt('its checksum is wrong', offset + 152);
  if (fields.minor_version >= MINOR_RESHAPE) throw unsupported('it is being reshaped');
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const words = UUID_0_WORDS.map((at) => view.getUint32(at, isLittleEndian).toString(16).padStart(8, '0'));
  const isInStep =
    (fields.this_state & STATE_ACTIVE_SYNC) === STATE_ACTIVE_SYNC && (fields.this_state & STATE_FAULTY) === 0;
  return {
    arrayId: words.join(':'),
    level: fields.level,
    layout: fields.layout,
    chunkBytes: fields.chunk_size,
    members: fields.raid_disks,
    usedBytes: fields.size * 1024,
    events: fields.events_lo,
    place: isInStep && fields.this_raid_disk < fields.raid_disks ? fields.this_raid_disk : undefined,
    dataOffset: 0,
    // the superblock is where the data ends
    dataBytes: offset,
  };
}

/** The sum of all words but that of the checksum, with what flows over added again. */
function checksumOf(bytes: Uint8Array, checksumAt: number, isLittleEndian: boolean): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let sum = 0;
  let at = 0;
  for (; at + 4 <= bytes.length; at += 4) if (at !== checksumAt) sum += view.getUint32(at, isLittleEndian);
  // an odd number of roles leaves half a word
  if (at + 2 <= bytes.length) sum += view.getUint16(at, isLittleEndian);
  return ((sum % 2 ** 32) + Math.floor(sum / 2 ** 32)) % 2 ** 32;
}

function swapWords(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes, (_, index) => bytes[index ^ 3] ?? 0);
}
