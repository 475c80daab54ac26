import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { stretchKey } from './stretch-key.ts';

describe('stretchKey', () => {
  test.each([1, 2, 300])('hashes %d times what OpenSSL would', (iterations) => {
    const initial = createHash('sha256').update('initial').digest();
    const salt = Buffer.from('0123456789abcdef');
    const block = Buffer.concat([Buffer.alloc(32), initial, salt, Buffer.alloc(8)]);
    for (let count = 0; count < iterations; count++) {
      block.writeUInt32LE(count, 80);
      createHash('sha256').update(block).digest().copy(block);
    }
    expect(Buffer.from(stretchKey(initial, salt, iterations))).toEqual(block.subarray(0, 32));
  });
});
