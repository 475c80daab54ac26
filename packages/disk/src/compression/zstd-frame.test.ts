import { randomBytes } from 'node:crypto';
import { createZstdCompress, zstdCompressSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { zstdContentSize, zstdFrameLength } from './zstd-frame.ts';

describe('zstdContentSize', () => {
  test.each([0, 1, 255, 256, 65_535, 65_536, 65_791, 65_792, 300_000])('of a frame of %d bytes', (size) => {
    const frame = zstdCompressSync(randomBytes(size), { pledgedSrcSize: size });
    expect(zstdContentSize(frame)).toBe(size);
    expect(zstdFrameLength(Buffer.concat([frame, frame]))).toBe(frame.length);
  });

  test('is not known of a frame that was begun before its end was', async () => {
    const stream = createZstdCompress();
    stream.write(randomBytes(1000));
    stream.end(randomBytes(500_000));
    expect(zstdContentSize(Buffer.concat(await stream.toArray()))).toBeUndefined();
  });

  test('is refused of what is no frame', () => {
    expect(() => zstdContentSize(new Uint8Array(20))).toThrow(RangeError);
  });
});
