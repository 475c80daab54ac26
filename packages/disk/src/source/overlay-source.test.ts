import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemorySource } from './memory-source.ts';
import { OverlaySource, type OverlayWrite } from './overlay-source.ts';

const BELOW = Uint8Array.from({ length: 64 }, (_, index) => 100 + index);

const write = fc
  .record({
    start: fc.nat(80),
    length: fc.integer({ min: 1, max: 20 }),
    fill: fc.option(fc.integer({ min: 1, max: 99 })),
    copiedFrom: fc.option(fc.nat(44)),
  })
  .map(({ start, length, fill, copiedFrom }): OverlayWrite => {
    const end = start + length;
    if (copiedFrom !== null) return { start, end, copiedFrom };
    return fill === null ? { start, end } : { start, end, bytes: new Uint8Array(length).fill(fill) };
  });

/** What a file would hold after the writes. */
function written(writes: readonly OverlayWrite[], sizeBytes: number): Uint8Array {
  const file = new Uint8Array(sizeBytes);
  file.set(BELOW);
  for (const { start, end, bytes, copiedFrom } of writes) {
    const copied = copiedFrom === undefined ? undefined : BELOW.subarray(copiedFrom, copiedFrom + end - start);
    file.set(copied ?? bytes ?? new Uint8Array(end - start), start);
  }
  return file;
}

describe('OverlaySource', () => {
  test('reads as if the writes had been made, in their order', () => {
    fc.assert(
      fc.property(fc.array(write, { maxLength: 12 }), fc.nat(64), fc.nat(40), (writes, offset, length) => {
        const overlay = new OverlaySource(new MemorySource(BELOW), writes, 70);
        const file = written(writes, overlay.sizeBytes);
        expect(overlay.sizeBytes).toBe(Math.max(70, ...writes.map(({ end }) => end)));
        const end = Math.min(offset + length, overlay.sizeBytes);
        expect(overlay.read(offset, end - offset)).toEqual(file.subarray(offset, end));
      }),
      { numRuns: 500 },
    );
  });

  test('leaves what is below as it was', () => {
    const below = Uint8Array.of(1, 2, 3, 4);
    new OverlaySource(new MemorySource(below), [{ start: 1, end: 3 }]).read(0, 4);
    expect(below).toEqual(Uint8Array.of(1, 2, 3, 4));
  });

  test('ends where the last write does', () => {
    const overlay = new OverlaySource(new MemorySource(BELOW), [{ start: 60, end: 66 }]);
    expect(() => overlay.read(60, 7)).toThrow(expect.objectContaining({ kind: 'corrupt' }));
  });
});
