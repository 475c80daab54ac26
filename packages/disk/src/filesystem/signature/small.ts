import { readFields } from '../../fields.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { hasText, type Magic, magic, peek, type Refinement, readIdentity, readLabel } from './format.ts';

// Filesystems of which a few lines are all there is to say.

const SQUASHFS = { major: [28, 'u16'] } as const;

/** Versions before 4 were a different format, in either byte order. */
export function refineSquashfs(volume: ByteSource): Refinement | undefined {
  const header = peek(volume, 0, 96);
  if (header === undefined) return undefined;
  return { type: readFields(header, SQUASHFS).major === 4 ? 'squashfs' : 'squashfs3' };
}

/** The superblock is in the third block, whatever a block is. */
export function refineOcfs2(volume: ByteSource, { at }: Magic): Refinement {
  return { label: readLabel(volume, { at: at + 272, length: 64 }), uuid: readIdentity(volume, { at: at + 336 }) };
}

const UFS_SUPERBLOCKS = [0, 8192, 65536, 262144];
const UFS_MAGIC_OFFSET = 1372;
const UFS_MAGICS = ['\x54\x19\x01\x00', '\x19\x01\x54\x19'];
const UFS2_MAGIC = '\x19\x01\x54\x19';
const UFS = { id_0: [144, 'u32'], id_1: [148, 'u32'] } as const;
const UFS2_LABEL = { at: 680, length: 32 };

export function refineUfs(volume: ByteSource): Refinement | undefined {
  const start = UFS_SUPERBLOCKS.find((at) =>
    UFS_MAGICS.some((text) => hasText(volume, magic(text, at + UFS_MAGIC_OFFSET))),
  );
  if (start === undefined) return undefined;
  const { id_0, id_1 } = readFields(volume.read(start, 152), UFS);
  const isUfs2 = hasText(volume, magic(UFS2_MAGIC, start + UFS_MAGIC_OFFSET));
  return {
    label: isUfs2 ? readLabel(volume, { ...UFS2_LABEL, at: start + UFS2_LABEL.at }) : undefined,
    uuid: id_0 === 0 && id_1 === 0 ? undefined : hex8(id_0) + hex8(id_1),
  };
}

function hex8(value: number): string {
  return value.toString(16).padStart(8, '0');
}
