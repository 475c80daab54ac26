import { createHash } from 'node:crypto';
import path from 'node:path';
import { type DiskImage, type Extent, FileSource, openImage, type ReferenceOpener } from '@guestkit/disk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { joinExtents } from '../../packages/disk/src/source/extent.ts';
import { seededRandom } from '../../packages/disk/src/testing/mutation.ts';
import { hasTool } from '../../packages/disk/src/testing/tool.ts';
import { type Dish, Kitchen } from './kitchen.ts';
import { MATRIX } from './matrix.ts';
import type { MapRule } from './recipe.ts';

// The oracle is qemu-img: of the same file, the same bytes and the same map.

const noQemu = !hasTool('qemu-img') || !hasTool('qemu-io');
if (noQemu) console.warn('Skipping tests: the matrix of images is made by qemu-img and qemu-io');

const PIECES = 12;
const LONGEST_PIECE = 300_000;

describe.skipIf(noQemu)('the matrix of images', () => {
  let kitchen: Kitchen;

  beforeAll(() => {
    kitchen = new Kitchen();
  });

  afterAll(() => kitchen.close());

  test('has at least 120 images, no two alike', () => {
    expect(new Set(MATRIX.map(({ name }) => name)).size).toBe(MATRIX.length);
    expect(MATRIX.length).toBeGreaterThanOrEqual(120);
  });

  test.each(MATRIX)('is read as qemu reads it: $name', (recipe) => {
    kitchen.cook(recipe, (dish) => {
      using source = FileSource.open(dish.file);
      const passphrases = [Buffer.from('correct horse')];
      const image = openImage(source, { claimedFormat: recipe.format, references: inFolder(dish.folder), passphrases });
      const answer = dish.bytes();
      expectBytes(image, answer);
      expectMap(image, dish, answer, recipe.map);
    });
  });

  test('has a format beside it that is refused by name: QED', () => {
    const qed = { name: 'qed', format: 'qed', content: 'structured', sizeBytes: 4096, map: 'same' } as const;
    kitchen.cook(
      { ...qed, steps: [['img', 'convert', '-f', 'raw', '-O', 'qed', 'content.raw', 'image']] },
      ({ file, folder }) => {
        using source = FileSource.open(file);
        expect(() => openImage(source, { references: inFolder(folder) })).toThrow(
          expect.objectContaining({ kind: 'unsupported', format: 'qed' }),
        );
      },
    );
  });
});

function inFolder(folder: string): ReferenceOpener {
  return { open: (name) => FileSource.open(path.join(folder, path.basename(name))) };
}

/** The whole disk, and pieces of it that fit no block. */
function expectBytes(image: DiskImage, answer: Buffer): void {
  expect(image.sizeBytes).toBe(answer.length);
  expect(sha256(image.read(0, image.sizeBytes))).toBe(sha256(answer));
  const random = seededRandom(answer.length);
  for (let piece = 0; piece < PIECES; piece++) {
    const offset = random(answer.length);
    const length = random(Math.min(LONGEST_PIECE, answer.length - offset) + 1);
    const isSame = answer.subarray(offset, offset + length).equals(image.read(offset, length));
    expect(isSame, `${length} bytes at ${offset}`).toBe(true);
  }
}

function expectMap(image: DiskImage, dish: Dish, answer: Buffer, rule: MapRule): void {
  const ours = [...image.extents()];
  const theirs = [
    ...joinExtents(
      dish.map().map(({ start, length, present, data }): Extent => {
        return { offset: start, length, kind: data ? 'data' : present ? 'zero' : 'absent' };
      }),
    ),
  ];
  if (rule === 'same') {
    expect(ours).toEqual(theirs);
    return;
  }
  expect(ours.reduce((end, { offset, length }) => (offset === end ? end + length : Number.NaN), 0)).toBe(answer.length);
  for (const { offset, length, kind } of ours) {
    if (kind !== 'data') expect(answer.subarray(offset, offset + length).every((byte) => byte === 0)).toBe(true);
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
