import { readFields } from '../../fields.ts';
import { readUuid } from '../../guid.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { SUPERBLOCK_1 } from '../../volume/mdraid/layout.ts';
import { hasText, magic, peek, type Refinement, readIdentity, readLabel } from './format.ts';

const MAGIC = '\xfc\x4e\x2b\xa9';
const MAGIC_BIG_ENDIAN = '\xa9\x2b\x4e\xfc';
const { major_version, super_offset } = SUPERBLOCK_1;

/** Member of a Linux software RAID. The superblock of versions 0.90 and 1.0 is at the end: the front looks like what is on the array. */
export function findLinuxRaid(volume: ByteSource): Refinement | undefined {
  return findVersion1(volume) ?? findVersion090(volume);
}

function findVersion1(volume: ByteSource): Refinement | undefined {
  const sectors = Math.floor(volume.sizeBytes / 512);
  // 1.1 at the start, 1.2 at 4 KiB, 1.0 at least 8 KiB from the end
  const at = [0, 4096, Math.floor((sectors - 16) / 8) * 4096].find((offset) => isVersion1(volume, offset));
  if (at === undefined) return undefined;
  return { uuid: readIdentity(volume, { at: at + 16 }), label: readLabel(volume, { at: at + 32, length: 32 }) };
}

function isVersion1(volume: ByteSource, at: number): boolean {
  const bytes = peek(volume, at, 256);
  if (bytes === undefined || !hasText(volume, magic(MAGIC, at))) return false;
  const fields = readFields(bytes, { major_version, super_offset });
  return fields.major_version === 1 && fields.super_offset * 512 === at;
}

/** In the byte order of the machine that made it; the UUID is four numbers. */
function findVersion090(volume: ByteSource): Refinement | undefined {
  const at = Math.floor(volume.sizeBytes / 65536) * 65536 - 65536;
  const bytes = peek(volume, at, 64);
  if (bytes === undefined) return undefined;
  const isLittle = hasText(volume, magic(MAGIC, at));
  if (!isLittle && !hasText(volume, magic(MAGIC_BIG_ENDIAN, at))) return undefined;
  const words = [20, 52, 56, 60].map((offset) => bytes.subarray(offset, offset + 4));
  const uuid = Uint8Array.from(words.flatMap((word) => [...(isLittle ? word.toReversed() : word)]));
  return { uuid: readUuid(uuid), label: undefined };
}
