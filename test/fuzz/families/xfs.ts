import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checksumOf } from '../../../packages/disk/src/filesystem/xfs/checksum.ts';
import { openXfs } from '../../../packages/disk/src/filesystem/xfs/open.ts';
import { hasXfsprogs, makeXfs } from '../../../packages/disk/src/filesystem/xfs/testing/image.ts';
import { makePrototype } from '../../../packages/disk/src/filesystem/xfs/testing/prototype.ts';
import { checkedParts } from '../../../packages/disk/src/filesystem/xfs/testing/seal.ts';
import type { Edit } from '../../../packages/disk/src/testing/edits.ts';
import type { Family, Seed } from '../family.ts';
import { readFileSystem } from './filesystems.ts';

export const XFS: Family = {
  name: 'xfs',
  seeds: () => (hasXfsprogs ? xfsSeeds() : []),
  read: readFileSystem(openXfs, 'name-1'),
  seal: sealXfs,
};

const XFS_BLOCK_BYTES = 1024;
const XFS_INODE_BYTES = 512;
/** All that is in use lies at the start; the log, which is not, in the middle. */
const XFS_SEED_BYTES = 2 * 2 ** 20;

function xfsSeeds(): Seed[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-fuzz-'));
  try {
    const prototype = makePrototype(folder);
    return ['-m crc=0', '-m crc=1'].map((version, index) => {
      const sizes = `-b size=${XFS_BLOCK_BYTES} -i size=${XFS_INODE_BYTES} -d agcount=1`;
      const image = path.join(folder, `${index}.xfs`);
      makeXfs(image, { args: `${version} ${sizes} -p ${prototype}`, sizeBytes: 20 * 2 ** 20 });
      return { name: `made${index}`, bytes: readFileSync(image).subarray(0, XFS_SEED_BYTES) };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The checksums of all blocks and inodes. */
function sealXfs(bytes: Uint8Array): readonly Edit[] {
  return [...checkedParts(bytes, XFS_BLOCK_BYTES, XFS_INODE_BYTES)].map(({ start, end, crc }) => {
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32LE(checksumOf(bytes.subarray(start, end), crc));
    return { at: start + crc, bytes: checksum };
  });
}
