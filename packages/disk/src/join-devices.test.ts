import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasBtrfsProgs, makeBtrfs, sourceOf } from './filesystem/btrfs/testing/image.ts';
import { denyReferences } from './image/references.ts';
import { openDisk } from './open-disk.ts';

const MEBIBYTE = 2 ** 20;

describe.skipIf(!hasBtrfsProgs)('a disk with a filesystem on two partitions', () => {
  let folder: string;
  let images: readonly string[];

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-join-'));
    images = makeBtrfs(folder, { args: '-m raid0 -d raid0', devices: 2 });
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  function diskOf(name: string, partitions: readonly string[]) {
    const disk = path.join(folder, name);
    writeFileSync(disk, '');
    truncateSync(disk, (partitions.length * 128 + 2) * MEBIBYTE);
    execFileSync('sgdisk', partitions.flatMap(() => ['-n', '0:0:+128M']).concat(disk), { stdio: 'pipe' });
    for (const [index, image] of partitions.entries()) {
      const seek = `seek=${index * 128 + 1}`;
      execFileSync('dd', [`if=${image}`, `of=${disk}`, 'bs=1M', seek, 'conv=notrunc,sparse', 'status=none']);
    }
    return openDisk(sourceOf(disk), { references: denyReferences });
  }

  test('opens it from the first of them, and names both', () => {
    const { volumes } = diskOf('both.raw', images);
    expect(volumes.map(({ device }) => device)).toEqual(['/dev/sda1', '/dev/sda2']);
    expect(volumes[0]).toMatchObject({ members: ['/dev/sda1', '/dev/sda2'], error: undefined });
    expect(volumes[0]?.fileSystem?.root.stat.type).toBe('directory');
    expect(volumes[1]).toMatchObject({ fileSystem: undefined, error: undefined });
  });

  test('says what is missing when one of them is', () => {
    const [volume] = diskOf('one.raw', [images[1] as string]).volumes;
    expect(volume?.error?.message).toMatch(/device 1 of 2 is missing/);
  });
});
