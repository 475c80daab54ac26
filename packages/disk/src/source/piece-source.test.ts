import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { concatSources } from './concat-source.ts';
import { extentsOf } from './extent.ts';
import { MemorySource } from './memory-source.ts';
import { type Piece, PieceSource } from './piece-source.ts';
import { WindowSource } from './window-source.ts';

const KINDS = ['stored', 'computed', 'zero', 'absent'] as const;
const runs = fc.array(fc.record({ kind: fc.constantFrom(...KINDS), length: fc.integer({ min: 1, max: 40 }) }), {
  minLength: 1,
  maxLength: 12,
});
type Runs = readonly { readonly kind: (typeof KINDS)[number]; readonly length: number }[];

const BELOW = Uint8Array.from({ length: 1000 }, (_, index) => 1 + (index % 250));

/** Pieces as planned, and what they should read as. */
function build(plan: Runs): { source: PieceSource; bytes: Uint8Array; kinds: readonly string[] } {
  const below = new MemorySource(BELOW);
  const starts: number[] = [];
  const bytes: number[] = [];
  const kinds: string[] = [];
  for (const { kind, length } of plan) {
    starts.push(bytes.length);
    const start = bytes.length;
    for (let index = 0; index < length; index++) {
      bytes.push(kind === 'stored' ? (BELOW[start + index] ?? 0) : kind === 'computed' ? 7 : 0);
      kinds.push(kind === 'stored' || kind === 'computed' ? 'data' : kind);
    }
  }
  const pieceAt = (offset: number): Piece => {
    const index = starts.findLastIndex((start) => start <= offset);
    const { kind, length: whole } = plan[index] ?? { kind: 'zero', length: 1 };
    const length = (starts[index] ?? 0) + whole - offset;
    if (kind === 'stored') return { kind, length, source: below, offset };
    return kind === 'computed' ? { kind, length, compute: (count) => new Uint8Array(count).fill(7) } : { kind, length };
  };
  return { source: new PieceSource(bytes.length, pieceAt), bytes: Uint8Array.from(bytes), kinds };
}

describe('PieceSource', () => {
  test('reads any range as its pieces have it', () => {
    fc.assert(
      fc.property(runs, fc.nat(), fc.nat(), (plan, a, b) => {
        const { source, bytes } = build(plan);
        const offset = a % (bytes.length + 1);
        const length = b % (bytes.length - offset + 1);
        expect(Buffer.from(source.read(offset, length))).toEqual(Buffer.from(bytes.subarray(offset, offset + length)));
      }),
    );
  });

  test('maps every byte once, in order, whatever window it is seen through', () => {
    fc.assert(
      fc.property(runs, fc.nat(), fc.nat(), (plan, a, b) => {
        const { source, bytes, kinds } = build(plan);
        const start = a % (bytes.length + 1);
        const size = b % (bytes.length - start + 1);
        const window = new WindowSource(source, start, size);
        const seen = [...extentsOf(window, 0, size)].flatMap(({ kind, length }) => Array<string>(length).fill(kind));
        expect(seen).toEqual(kinds.slice(start, start + size));
      }),
    );
  });
});

describe('concatSources', () => {
  test('reads sources one behind the other, empty ones too', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 8 }), (parts) => {
        const whole = Buffer.concat(parts);
        const source = concatSources(parts.map((part) => new MemorySource(part)));
        expect(source.sizeBytes).toBe(whole.length);
        expect(whole.equals(source.read(0, whole.length))).toBe(true);
      }),
    );
  });
});
