import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crc32c } from '../../../packages/disk/src/crc32c.ts';
import { SUPERBLOCK, SUPERBLOCK_AT } from '../../../packages/disk/src/filesystem/erofs/layout.ts';
import { openErofs } from '../../../packages/disk/src/filesystem/erofs/open.ts';
import { hasErofsTools, makeErofs } from '../../../packages/disk/src/filesystem/erofs/testing/image.ts';
import type { Edit } from '../../../packages/disk/src/testing/edits.ts';
import type { Family, Seed } from '../family.ts';
import { readFileSystem } from './filesystems.ts';
import { fromCorpus } from './images.ts';

const OPTIONS = [
  '-E force-inode-extended',
  '--chunksize=4096 -E force-chunk-indexes',
  '-zlz4',
  '-zlz4hc -C16384 -E ztailpacking',
  '-zlz4 -E legacy-compress',
];

export const EROFS: Family = {
  name: 'erofs',
  seeds: () => [...(hasErofsTools ? erofsSeeds() : []), ...fromCorpus('filesystems/util-linux/erofs.img.xz')],
  read: readFileSystem(openErofs, 'short'),
  seal: sealErofs,
};

function erofsSeeds(): Seed[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-fuzz-'));
  try {
    const from = path.join(folder, 'from');
    mkdirSync(path.join(from, 'inner'), { recursive: true });
    writeFileSync(path.join(from, 'inner/short'), 'short');
    writeFileSync(path.join(from, 'numbers'), Array.from({ length: 9000 }, (_, index) => `${index * 31}\n`).join(''));
    writeFileSync(path.join(from, 'zeros'), new Uint8Array(20_000));
    symlinkSync('inner/short', path.join(from, 'link'));
    return OPTIONS.map((args, index) => ({
      name: `made${index}`,
      bytes: readFileSync(makeErofs(path.join(folder, 'image'), from, args)),
    }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The checksum of the superblock's block, from where the superblock begins; of blocks of the usual size. */
function sealErofs(bytes: Uint8Array): readonly Edit[] {
  if (bytes.length < 4096) return [];
  const block = Uint8Array.from(bytes.subarray(SUPERBLOCK_AT, 4096));
  block.fill(0, SUPERBLOCK.checksum[0], SUPERBLOCK.checksum[0] + 4);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(crc32c(0xffffffff, block));
  return [{ at: SUPERBLOCK_AT + SUPERBLOCK.checksum[0], bytes: checksum }];
}
