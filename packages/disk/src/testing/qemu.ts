import * as fc from 'fast-check';
import { expect } from 'vitest';
import type { DiskImage, Extent } from '../image/image.ts';

export { encryptWithQemu, QemuFolder, writeStructured } from './qemu-folder.ts';

/** Compares the whole disk, and pieces of it that fit no block. */
export function expectBytes(image: DiskImage, answer: Buffer): void {
  expect(image.sizeBytes).toBe(answer.length);
  expect(answer.equals(image.read(0, image.sizeBytes))).toBe(true);
  fc.assert(
    fc.property(fc.nat(answer.length), fc.nat(300_000), (offset, length) => {
      const end = Math.min(offset + length, answer.length);
      return answer.subarray(offset, end).equals(image.read(offset, end - offset));
    }),
    { numRuns: 30 },
  );
}

/** Compares the map of the whole disk, and of pieces of it. */
export function expectExtents(image: DiskImage, answer: readonly Extent[]): void {
  expect([...image.extents()]).toEqual(answer);
  fc.assert(
    fc.property(fc.nat(image.sizeBytes), fc.nat(image.sizeBytes), (a, b) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b)];
      expect([...image.extents(from, to)]).toEqual(clip(answer, from, to));
    }),
    { numRuns: 20 },
  );
}

function clip(extents: readonly Extent[], from: number, to: number): readonly Extent[] {
  return extents.flatMap(({ offset, length, kind }) => {
    const [start, end] = [Math.max(offset, from), Math.min(offset + length, to)];
    return end > start ? [{ offset: start, length: end - start, kind }] : [];
  });
}
