import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import type { Edit } from '../../../packages/disk/src/testing/edits.ts';
import { hasTool } from '../../../packages/disk/src/testing/tool.ts';
import type { Family, Seed } from '../family.ts';
import { readDisk } from '../read-disk.ts';
import { fromCorpus } from './images.ts';

const DISK_BYTES = 2 ** 20;
const SCRIPTS: Readonly<Record<string, string>> = {
  mbr: 'label: dos\nstart=8, size=100, type=83\nstart=200, size=1500, type=5\nstart=210, size=20\nstart=300, size=20\nstart=400, size=20\n',
  gpt: 'label: gpt\nfirst-lba: 40\nstart=40, size=8, type=L, name="one"\nstart=48, size=100, type=U\nstart=200, size=9\n',
};

export const PARTITIONS: Family = {
  name: 'partitions',
  seeds: () => [
    ...(hasTool('sfdisk') ? [...Object.entries(SCRIPTS).map((entry) => bySfdisk(...entry)), minix()] : []),
    ...fromCorpus('partitions/*/*.{img,bin,xz,gz}', 'partitions/velociraptor/MBR', 'formats/qemu/grub_mbr.raw.bz2'),
  ],
  read: readDisk,
  seal: sealGpt,
};

/** A table in the first sector of a partition, which that divides. */
function minix(): Seed {
  const outer = bySfdisk('minix', 'label: dos\nstart=8, size=1000, type=81\n');
  const inner = bySfdisk('inner', 'label: dos\nstart=16, size=100, type=81\nstart=200, size=100, type=81\n');
  outer.bytes.set(inner.bytes.subarray(0, 512), 8 * 512);
  return outer;
}

function bySfdisk(name: string, input: string): Seed {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-fuzz-'));
  try {
    const file = path.join(folder, 'disk');
    writeFileSync(file, '');
    truncateSync(file, DISK_BYTES);
    execFileSync('sfdisk', ['-q', file], { input, stdio: 'pipe' });
    return { name, bytes: readFileSync(file) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Both headers and their entries, as far as they are within the disk. */
function sealGpt(bytes: Uint8Array): readonly Edit[] {
  return [512, bytes.length - 512].flatMap((at) => {
    if (at < 0 || at + 512 > bytes.length) return [];
    const header = Buffer.from(bytes.subarray(at, at + 512));
    if (header.toString('latin1', 0, 8) !== 'EFI PART') return [];
    const start = Number(header.readBigUInt64LE(72)) * 512;
    const size = header.readUInt32LE(80) * header.readUInt32LE(84);
    if (start + size <= bytes.length) header.writeUInt32LE(crc32(bytes.subarray(start, start + size)), 88);
    header.writeUInt32LE(0, 16);
    const headerSize = header.readUInt32LE(12);
    if (headerSize <= 512) header.writeUInt32LE(crc32(header.subarray(0, headerSize)), 16);
    return [{ at, bytes: header }];
  });
}
