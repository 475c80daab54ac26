import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  allocateFrame,
  decodeJson,
  decodeRead,
  encodeFrame,
  encodeJson,
  encodeRead,
  type Frame,
  FrameDecoder,
  FrameError,
  HEADER_BYTES,
  MAX_READ_BYTES,
} from './frame.ts';

describe('FrameDecoder', () => {
  test('returns the frames that were encoded, however the stream was cut', () => {
    const frames = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(frames, fc.integer({ min: 1, max: 64 }), (bodies, cut) => {
        const stream = Buffer.concat(bodies.map((body) => encodeFrame('bytes', body)));
        expect(decodeAll(cutUp(stream, cut)).map(({ body }) => body)).toEqual(bodies.map((body) => Buffer.from(body)));
      }),
    );
  });

  test('turns random bytes into frames or a FrameError, never anything else', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 })), (chunks) => {
        try {
          for (const frame of decodeAll(chunks.map((chunk) => Buffer.from(chunk)))) inspectFrame(frame);
        } catch (error) {
          expect(error).toBeInstanceOf(FrameError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test('refuses a length beyond the bound of the type before any of the body arrives', () => {
    const header = encodeFrame('progress', new Uint8Array()).subarray(0, HEADER_BYTES);
    header.writeUInt32LE(0xffff_ffff, 0);
    expect(() => decodeAll([header])).toThrow('Cannot read a progress frame: it claims 4294967295 bytes');
  });

  test('refuses an unknown type', () => {
    expect(() => decodeAll([Buffer.from([0, 0, 0, 0, 99])])).toThrow('its type is 99');
  });
});

describe('encodeFrame', () => {
  test('refuses a body that the other side would refuse', () => {
    expect(() => encodeFrame('bytes', new Uint8Array(MAX_READ_BYTES + 1))).toThrow(FrameError);
  });
});

describe('allocateFrame', () => {
  test('makes a frame in the room that it is given, if it fits', () => {
    const room = Buffer.alloc(HEADER_BYTES + 10);
    expect(allocateFrame('bytes', 10, room).buffer).toBe(room.buffer);
    expect(allocateFrame('bytes', 11, room).buffer).not.toBe(room.buffer);
    expect(allocateFrame('bytes', 3, room)).toHaveLength(HEADER_BYTES + 3);
  });

  test('makes large ones where the kernel copies to fast: not 1 to 31 bytes into a page', () => {
    expect(allocateFrame('bytes', 2 ** 20).byteOffset).toBeGreaterThanOrEqual(32 - 16);
  });
});

describe('decodeRead', () => {
  test('returns the request that was encoded', () => {
    const request = { source: 3, offset: 2 ** 52, length: 4096 };
    expect(decodeRead(encodeRead(request).subarray(HEADER_BYTES))).toEqual(request);
  });

  test.each([
    { offset: -1, length: 1 },
    { offset: 0.5, length: 1 },
    { offset: Number.NaN, length: 1 },
    { offset: Number.POSITIVE_INFINITY, length: 1 },
    { offset: 2 ** 53, length: 1 },
    { offset: 0, length: MAX_READ_BYTES + 1 },
  ])('refuses $length bytes at $offset', ({ offset, length }) => {
    expect(() => decodeRead(encodeRead({ source: 0, offset, length }).subarray(HEADER_BYTES))).toThrow(FrameError);
  });

  test('refuses a body of another size', () => {
    expect(() => decodeRead(Buffer.alloc(15))).toThrow(FrameError);
  });
});

describe('decodeJson', () => {
  test('refuses what is no JSON', () => {
    expect(() => decodeJson({ type: 'result', body: Buffer.from('{') })).toThrow(FrameError);
  });

  test.each([
    ['[', ']'],
    ['{"a":', '}'],
  ])('refuses what is nested too deep in %s', (open, close) => {
    const nested = (depth: number) => Buffer.from(`${open.repeat(depth)}1${close.repeat(depth)}`);
    expect(() => decodeJson({ type: 'result', body: nested(129) })).toThrow('nested too deep');
    expect(() => decodeJson({ type: 'result', body: nested(128) })).not.toThrow();
  });

  test('returns what was encoded, brackets in texts and all', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.string(), (value, text) => {
        const given = { value, text, brackets: '[{"\\'.repeat(200) };
        const [frame] = decodeAll([encodeJson('result', given)]);
        expect(frame && decodeJson(frame)).toEqual(JSON.parse(JSON.stringify(given)));
      }),
    );
  });

  test('returns null for undefined, which JSON does not know', () => {
    const [frame] = decodeAll([encodeJson('result', undefined)]);
    expect(frame && decodeJson(frame)).toBeNull();
  });
});

function decodeAll(chunks: readonly Buffer[]): Frame[] {
  const decoder = new FrameDecoder();
  return chunks.flatMap((chunk) => [...decoder.decode(chunk)]);
}

function cutUp(stream: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(stream.length / size) }, (_, i) => stream.subarray(i * size, (i + 1) * size));
}

function inspectFrame(frame: Frame): void {
  if (frame.type === 'read') decodeRead(frame.body);
  else decodeJson(frame);
}
