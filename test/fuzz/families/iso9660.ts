import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openIso9660 } from '../../../packages/disk/src/filesystem/iso9660/open.ts';
import { hasIsoTools, makeDiscFolder, makeIso } from '../../../packages/disk/src/filesystem/iso9660/testing/image.ts';
import type { Family, Seed } from '../family.ts';
import { readFileSystem } from './filesystems.ts';
import { fromCorpus } from './images.ts';

const COMMANDS: readonly (readonly string[])[] = [
  ['genisoimage -R -J'],
  ['genisoimage -J -D'],
  ['xorriso -R', '--', '-set_filter_r', '--zisofs', '/', '--'],
];

export const ISO9660: Family = {
  name: 'iso9660',
  seeds: () => [
    ...(hasIsoTools ? isoSeeds() : []),
    ...fromCorpus('filesystems/dfvfs/iso9660.raw.xz', 'filesystems/libarchive/*_{ce,joliet,zisofs}.iso.Z'),
  ],
  read: readFileSystem(openIso9660, 'text'),
};

function isoSeeds(): Seed[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-fuzz-'));
  try {
    const from = path.join(folder, 'from');
    mkdirSync(from);
    makeDiscFolder(from, 4);
    return COMMANDS.map(([command = '', ...more], index) => ({
      name: `made${index}`,
      bytes: readFileSync(makeIso(path.join(folder, 'image'), from, command, ...more)),
    }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
