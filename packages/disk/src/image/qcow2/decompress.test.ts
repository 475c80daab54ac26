import { deflateRawSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decompressCluster, decompressClustersAhead } from './decompress.ts';

const CLUSTER_BYTES = 64 * 1024;

function content(seed: number, bytes = CLUSTER_BYTES): Buffer {
  return Buffer.from(Uint8Array.from({ length: bytes }, (_, index) => (index * seed) % 251));
}

/** A frame that says its size, or one that does not. */
function frame(bytes: Buffer, pledgedSrcSize?: number): Buffer {
  const one = zstdCompressSync(bytes, pledgedSrcSize === undefined ? {} : { pledgedSrcSize });
  return Buffer.concat([one, Buffer.from('what belongs to the next cluster')]);
}

describe('decompressClustersAhead', () => {
  test.each([
    ['zstd that says its size', 'zstd', (bytes: Buffer) => frame(bytes, bytes.length)],
    ['zlib', 'zlib', (bytes: Buffer) => deflateRawSync(bytes)],
  ] as const)('gives each cluster of %s', async (_, type, pack) => {
    const clusters = [1, 2, 3, 4, 5].map((seed) => content(seed));
    const ahead = await decompressClustersAhead(type, clusters.map(pack), CLUSTER_BYTES);
    expect(ahead.map((cluster) => Buffer.from(cluster))).toEqual(clusters);
  });

  test.each([
    ['short', 60_000],
    ['long', 70_000],
  ])('gives none where one is too %s, as the read of it will say', async (_, bytes) => {
    const stored = [frame(content(1), CLUSTER_BYTES), frame(content(2, bytes), bytes)];
    expect(await decompressClustersAhead('zstd', stored, CLUSTER_BYTES)).toEqual([]);
    expect(() => decompressCluster('zstd', stored[1] as Buffer, CLUSTER_BYTES, 0)).toThrow(/qcow2 compressed cluster/);
  });

  test('is not taken in by clusters that have the right size together', async () => {
    const lie = (bytes: Buffer) => {
      const packed = frame(bytes, bytes.length);
      // frame header: descriptor at 4, a content size of 4 bytes or of 2 (less 256) behind it
      if (bytes.length > 65_791) packed.writeUInt32LE(CLUSTER_BYTES, 5);
      else packed.writeUInt16LE(CLUSTER_BYTES - 256, 5);
      return packed;
    };
    const stored = [lie(content(1, CLUSTER_BYTES - 1000)), lie(content(2, CLUSTER_BYTES + 1000))];
    expect(await decompressClustersAhead('zstd', stored, CLUSTER_BYTES)).toEqual([]);
    const honest = [frame(content(1, CLUSTER_BYTES - 1000)), frame(content(2, CLUSTER_BYTES + 1000))];
    expect(await decompressClustersAhead('zstd', honest, CLUSTER_BYTES)).toEqual([]);
  });
});
