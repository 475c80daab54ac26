import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemorySource } from '../source/memory-source.ts';
import { countFree, freeClusters } from './cluster-bitmap.ts';

test('finds the rows of free clusters, and counts them, as one does bit by bit', () => {
  const byte = fc.oneof(fc.constantFrom(0, 0xff), fc.nat(255));
  fc.assert(
    fc.property(fc.array(byte, { minLength: 1, maxLength: 40 }), fc.nat(7), (bytes, left) => {
      const count = bytes.length * 8 - left;
      const bitmap = new MemorySource(Uint8Array.from(bytes));
      const clusters = Array.from({ length: count }, (_, cluster) => cluster);
      const free = clusters.filter((cluster) => (((bytes[cluster >> 3] as number) >> (cluster & 7)) & 1) === 0);
      const runs = [...freeClusters(bitmap, count)];
      expect(runs.flatMap(({ cluster, count: length }) => clusters.slice(cluster, cluster + length))).toEqual(free);
      expect(countFree(bitmap, count)).toBe(free.length);
      // in order, and joined
      for (const [index, { cluster }] of runs.entries()) {
        const before = runs[index - 1];
        if (before) expect(cluster).toBeGreaterThan(before.cluster + before.count);
      }
    }),
  );
});
