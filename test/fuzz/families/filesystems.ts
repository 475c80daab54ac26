import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openBtrfs } from '../../../packages/disk/src/filesystem/btrfs/open.ts';
import { btrfsSeals } from '../../../packages/disk/src/filesystem/btrfs/testing/damaged.ts';
import { hasBtrfsProgs } from '../../../packages/disk/src/filesystem/btrfs/testing/image.ts';
import { makeSmallImage } from '../../../packages/disk/src/filesystem/btrfs/testing/small-image.ts';
import { openExfat } from '../../../packages/disk/src/filesystem/exfat/open.ts';
import { sampleExfat } from '../../../packages/disk/src/filesystem/exfat/testing/sample-image.ts';
import { openExt4 } from '../../../packages/disk/src/filesystem/ext4/open.ts';
import { hasE2fsprogs, makeExt } from '../../../packages/disk/src/filesystem/ext4/testing/image.ts';
import { openFat } from '../../../packages/disk/src/filesystem/fat/open.ts';
import { sampleFat } from '../../../packages/disk/src/filesystem/fat/testing/sample-image.ts';
import type { FileSystem } from '../../../packages/disk/src/filesystem/file-system.ts';
import { openNtfs } from '../../../packages/disk/src/filesystem/ntfs/open.ts';
import { ntfs3gAbsent } from '../../../packages/disk/src/filesystem/ntfs/testing/ntfs-3g.ts';
import { openSquashfs } from '../../../packages/disk/src/filesystem/squashfs/open.ts';
import { hasSquashfsTools, makeSmallSquashfs } from '../../../packages/disk/src/filesystem/squashfs/testing/image.ts';
import { survives } from '../../../packages/disk/src/filesystem/testing/survives.ts';
import type { ByteSource } from '../../../packages/disk/src/source/byte-source.ts';
import type { Edit } from '../../../packages/disk/src/testing/edits.ts';
import type { Family, Seed } from '../family.ts';
import { fromCorpus } from './images.ts';

/** Every folder, name, content and attribute of a filesystem. */
export function readFileSystem(open: (source: ByteSource) => FileSystem, inner: string): Family['read'] {
  return (source, { note }) => survives(() => open(source), inner, note);
}

export const EXT4: Family = {
  name: 'ext4',
  seeds: () => [
    ...(hasE2fsprogs ? extSeeds() : []),
    ...fromCorpus('filesystems/{dfvfs,DiscUtils,cryptsetup}/*ext[24]*', 'malformed/e2fsprogs/*/image.gz'),
  ],
  read: readFileSystem(openExt4, 'three'),
};

const EXT_OPTIONS = [
  '-t ext4 -b 1024 -O ^metadata_csum,^has_journal',
  '-t ext2 -b 1024 -I 128',
  '-t ext4 -b 1024 -O inline_data,^metadata_csum,^has_journal',
  '-t ext4 -b 1024 -O bigalloc,^metadata_csum,^has_journal',
  '-t ext4 -b 4096 -O ^metadata_csum,meta_bg,^resize_inode,^has_journal',
];

function extSeeds(): Seed[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-fuzz-'));
  try {
    const from = path.join(folder, 'from');
    mkdirSync(path.join(from, 'a/b/c'), { recursive: true });
    for (const name of ['one', 'a/three', 'a/b/four']) writeFileSync(path.join(from, name), '#'.repeat(3000));
    for (let index = 0; index < 40; index++) writeFileSync(path.join(from, `a/b/c/file number ${index}`), '');
    symlinkSync('one', path.join(from, 'link'));
    symlinkSync('#'.repeat(100), path.join(from, 'a/long'));
    return EXT_OPTIONS.map((args, index) => {
      const image = path.join(folder, `${index}.ext`);
      const commands = ['ea_set one user.note text', `ea_set a/three user.long ${'v'.repeat(200)}`];
      makeExt(image, { args: `${args} -N 96`, from, sizeBytes: 600 * 1024, commands });
      return { name: `made${index}`, bytes: readFileSync(image) };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const NTFS: Family = {
  name: 'ntfs',
  seeds: () => [
    ...(ntfs3gAbsent === undefined ? ntfsSeeds() : []),
    ...fromCorpus('filesystems/{dfvfs/ntfs.raw.xz,ntfs/testfs1.xz}', 'malformed/sleuthkit_test_data/*ntfs_fuzzer*'),
  ],
  read: readFileSystem(openNtfs, 'three'),
};

/** How it is made, and of how many files: an index that has branches takes forty. */
const NTFS_OPTIONS = [
  ['-c 512', 10],
  ['-c 1024', 40],
  ['-c 4096', 10],
  ['-s 4096', 10],
] as const;

function ntfsSeeds(): Seed[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-fuzz-'));
  try {
    const content = path.join(folder, 'content');
    writeFileSync(content, '#'.repeat(5000));
    return NTFS_OPTIONS.map(([args, files], index) => {
      const image = path.join(folder, `${index}.ntfs`);
      writeFileSync(image, Buffer.alloc(3 * 2 ** 20));
      execFileSync('mkntfs', ['-F', '-q', ...args.split(' '), image], { stdio: 'pipe' });
      for (let file = 0; file < files; file++) ntfscp(image, content, `file number ${file}`);
      for (let stream = 0; stream < 16; stream++) ntfscp(image, content, 'file number 7', `stream ${stream}`);
      return { name: `made${index}`, bytes: readFileSync(image) };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function ntfscp(image: string, source: string, target: string, stream?: string): void {
  const named = stream === undefined ? [] : ['-N', stream];
  execFileSync('ntfscp', ['-f', '-q', ...named, image, source, target], { stdio: 'pipe' });
}

export const BTRFS: Family = {
  name: 'btrfs',
  seeds: () => [
    ...(hasBtrfsProgs ? [btrfsSeed()] : []),
    // small when unpacked
    ...fromCorpus('malformed/btrfs-progs/fuzz/bko-1{04131,72861}*.raw.xz'),
  ],
  read: readFileSystem(openBtrfs, 'inner'),
  seal: btrfsSeals,
};

function btrfsSeed(): Seed {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-fuzz-'));
  try {
    return { name: 'made', bytes: makeSmallImage(folder) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const SQUASHFS: Family = {
  name: 'squashfs',
  seeds: () => [
    ...(hasSquashfsTools ? squashfsSeeds() : []),
    ...fromCorpus('filesystems/{go-diskfs,binwalk}/*{.sqs,squashfs.bin}'),
  ],
  read: readFileSystem(openSquashfs, 'short'),
};

function squashfsSeeds(): Seed[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-fuzz-'));
  try {
    return ['-noI -noX -noId -noD -noF', '-comp gzip', '-comp xz', '-comp lzo', '-comp lz4'].map((args) => ({
      name: args.split(' ').at(-1) ?? '',
      bytes: readFileSync(makeSmallSquashfs(folder, `${args} -b 4096`)),
    }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export const FAT: Family = {
  name: 'fat',
  seeds: () => [
    ...([12, 16, 32] as const).map((bits): Seed => ({ name: `fat${bits}`, bytes: sampleFat(bits).bytes })),
    ...fromCorpus('filesystems/{dfvfs,rust-fatfs,velociraptor}/*fat*'),
  ],
  read: readFileSystem(openFat, 'inner file with a long name'),
};

export const EXFAT: Family = {
  name: 'exfat',
  seeds: () => [{ name: 'sample', bytes: sampleExfat().sealed() }],
  read: readFileSystem(openExfat, 'inner'),
  seal: sealExfat,
};

/** The checksum of the boot region, which the twelfth sector repeats. */
function sealExfat(bytes: Uint8Array): readonly Edit[] {
  if (bytes.length < 12 * 512) return [];
  let sum = 0;
  for (let at = 0; at < 11 * 512; at++) {
    if (at !== 106 && at !== 107 && at !== 112) sum = (((sum >>> 1) | (sum << 31)) + (bytes[at] ?? 0)) >>> 0;
  }
  const sector = Buffer.alloc(512);
  for (let at = 0; at < 512; at += 4) sector.writeUInt32LE(sum, at);
  return [{ at: 11 * 512, bytes: sector }];
}
