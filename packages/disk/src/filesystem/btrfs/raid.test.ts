import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withMountedDevices } from '../../../../../test/support/loop-mount.ts';
import { listTree } from '../../../../../test/support/tree-listing.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { OverlaySource } from '../../source/overlay-source.ts';
import { createFileTree } from '../tree.ts';
import { openBtrfs } from './open.ts';
import { hasBtrfsProgs, makeBtrfs, openImages, sourceOf } from './testing/image.ts';

describe.skipIf(!hasBtrfsProgs)('a btrfs filesystem on several devices', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-btrfs-raid-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  /** @returns images, or none where they cannot be mounted to be filled */
  function filled(args: string, devices: number): string[] {
    const images = makeBtrfs(folder, { args, devices });
    const content = Buffer.from(Uint32Array.from({ length: 150_000 }, (_, index) => index * 2654435761).buffer);
    const isFilled = withMountedDevices(images, 'rw', (target) => {
      writeFileSync(path.join(target, 'large'), content);
      for (let index = 0; index < 30; index++)
        writeFileSync(path.join(target, `file-${index}`), content.subarray(index));
      return true;
    });
    return isFilled ? images : [];
  }

  test.for([
    { args: '-m raid1 -d raid1', devices: 2, lost: 1 },
    { args: '-m raid1c3 -d raid1c3', devices: 3, lost: 2 },
    { args: '-m raid10 -d raid10', devices: 4, lost: 1 },
    { args: '-m raid5 -d raid5', devices: 3, lost: 1 },
    { args: '-m raid6 -d raid6', devices: 4, lost: 2 },
  ])('mkfs.btrfs $args: is whole without $lost of $devices devices', ({ args, devices, lost }, context) => {
    const images = filled(args, devices);
    if (images.length === 0) return context.skip('no images can be mounted here');
    const intact = listTree(createFileTree(openImages(images)));
    for (let first = 0; first < devices; first++) {
      const present = images.filter((_, index) => (index - first + devices) % devices >= lost);
      const degraded = openImages(present);
      expect(degraded.warnings).toEqual([expect.stringMatching(/missing: everything was read from the others/)]);
      expect(listTree(createFileTree(degraded))).toEqual(intact);
    }
  });

  test.for(['-m raid1 -d raid1', '-m raid1 -d raid5'])(
    'mkfs.btrfs %s: is whole with damage on one',
    (args, context) => {
      const images = filled(args, 3);
      if (images.length === 0) return context.skip('no images can be mounted here');
      const intact = listTree(createFileTree(openImages(images)));
      for (const damaged of images) {
        // behind the superblock, nothing is left
        const ruin = (source: ByteSource) => new OverlaySource(source, [{ start: 0x100000, end: source.sizeBytes }]);
        const sources: ByteSource[] = images.map((image) =>
          image === damaged ? ruin(sourceOf(image)) : sourceOf(image),
        );
        const [first, ...others] = sources as [ByteSource, ...ByteSource[]];
        expect(listTree(createFileTree(openBtrfs(first, others)))).toEqual(intact);
      }
    },
  );

  test('says which device is missing where there is no other copy', () => {
    const [first = ''] = makeBtrfs(folder, { args: '-m raid0 -d raid0', devices: 3 });
    expect(() => openImages([first])).toThrow(
      expect.objectContaining({
        kind: 'unsupported',
        message: expect.stringMatching(/devices 2 and 3 of 3 are missing/),
      }),
    );
  });

  test.for(['', '-M', '-m dup', '-R ^free-space-tree'])(
    'mkfs.btrfs %s: nothing is in what is free',
    (args, context) => {
      const [image = ''] = filled(args, 1);
      if (image === '') return context.skip('no images can be mounted here');
      const intact = openImages([image]);
      const files = listTree(createFileTree(intact));
      let free = 0;
      for (const { offset, length } of intact.freeRanges?.() ?? []) {
        execFileSync('fallocate', ['--punch-hole', '--offset', `${offset}`, '--length', `${length}`, image]);
        free += length;
      }
      expect(free).toBeGreaterThan(statSync(image).size / 2);
      execFileSync('btrfs', ['check', '--check-data-csum', image], { stdio: 'pipe' });
      expect(listTree(createFileTree(openImages([image])))).toEqual(files);
    },
  );
});
