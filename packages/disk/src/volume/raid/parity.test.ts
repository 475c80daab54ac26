import { describe, expect, test } from 'vitest';
import { MemorySource } from '../../source/memory-source.ts';
import { seededRandom } from '../../testing/mutation.ts';
import { joinMirroredStripes } from './mirrored-stripes.ts';
import { joinParityArray } from './parity.ts';
import { RAID5_LAYOUTS, RAID6_LAYOUTS } from './parity-layout.ts';

const CHUNK = 512;

/** Rows of members, as books and the comments of the kernel draw them: numbers of chunks, and the parities. */
const DRAWINGS: readonly { level: 5 | 6; layout: number; name: string; rows: readonly string[] }[] = [
  { level: 5, layout: 0, name: 'left asymmetric', rows: ['0 1 2 P', '3 4 P 5', '6 P 7 8', 'P 9 10 11', '12 13 14 P'] },
  { level: 5, layout: 1, name: 'right asymmetric', rows: ['P 0 1 2', '3 P 4 5', '6 7 P 8', '9 10 11 P', 'P 12 13 14'] },
  { level: 5, layout: 2, name: 'left symmetric', rows: ['0 1 2 P', '4 5 P 3', '8 P 6 7', 'P 9 10 11', '12 13 14 P'] },
  { level: 5, layout: 3, name: 'right symmetric', rows: ['P 0 1 2', '5 P 3 4', '7 8 P 6', '9 10 11 P', 'P 12 13 14'] },
  { level: 5, layout: 4, name: 'parity first', rows: ['P 0 1 2', 'P 3 4 5'] },
  { level: 5, layout: 5, name: 'parity last, as level 4', rows: ['0 1 2 P', '3 4 5 P'] },
  {
    level: 6,
    layout: 2,
    name: 'left symmetric',
    rows: ['Q 0 1 2 P', '3 4 5 P Q', '7 8 P Q 6', '11 P Q 9 10', 'P Q 12 13 14'],
  },
  {
    level: 6,
    layout: 0,
    name: 'left asymmetric',
    rows: ['Q 0 1 2 P', '3 4 5 P Q', '6 7 P Q 8', '9 P Q 10 11', 'P Q 12 13 14'],
  },
  {
    level: 6,
    layout: 8,
    name: 'rotating zero restart',
    rows: ['P Q 0 1 2', '3 P Q 4 5', '6 7 P Q 8', '9 10 11 P Q', 'Q 12 13 14 P'],
  },
  {
    level: 6,
    layout: 9,
    name: 'rotating N restart',
    rows: ['0 1 2 P Q', '3 4 P Q 5', '6 P Q 7 8', 'P Q 9 10 11', 'Q 12 13 14 P'],
  },
  {
    level: 6,
    layout: 10,
    name: 'rotating N continue',
    rows: ['0 1 2 Q P', '4 5 Q P 3', '8 Q P 6 7', 'Q P 9 10 11', 'P 12 13 14 Q'],
  },
  {
    level: 6,
    layout: 18,
    name: 'left symmetric with Q last',
    rows: ['0 1 2 P Q', '4 5 P 3 Q', '8 P 6 7 Q', 'P 9 10 11 Q'],
  },
];

describe.each(DRAWINGS)('level $level, $name', ({ level, layout, rows }) => {
  const count = rows[0]?.split(' ').length ?? 0;
  const data = randomBytes(rows.length * (count - (level - 4)) * CHUNK);
  const isDdf = layout >= 8 && layout <= 10;
  const members = draw(rows, data, isDdf);
  const rowLayout = (level === 5 ? RAID5_LAYOUTS : RAID6_LAYOUTS).get(layout);
  if (rowLayout === undefined) throw new Error(`no layout ${layout}`);
  const join = (missing: readonly number[]) =>
    joinParityArray({
      members: members.map((bytes, index) => (missing.includes(index) ? undefined : new MemorySource(bytes))),
      level,
      layout: rowLayout,
      chunkBytes: CHUNK,
      sizeBytes: data.length,
    });

  test('is read where it is drawn', () => {
    expect(data.equals(join([]).read(0, data.length))).toBe(true);
    expect(data.subarray(100, 2900).equals(join([]).read(100, 2800))).toBe(true);
  });

  test('is whole without any members that its parity makes up for', () => {
    for (let a = 0; a < count; a++) {
      expect(data.equals(join([a]).read(0, data.length))).toBe(true);
      for (let b = 0; level === 6 && b < a; b++) expect(data.equals(join([a, b]).read(0, data.length))).toBe(true);
    }
  });

  test('is refused when more are missing', () => {
    expect(() => join([0, 1, 2].slice(0, level - 3))).toThrow(expect.objectContaining({ kind: 'unsupported' }));
  });
});

function randomBytes(length: number): Buffer {
  const random = seededRandom(length);
  return Buffer.from(Array.from({ length }, () => random(256)));
}

/** The members of an array, put together by its drawing. */
function draw(rows: readonly string[], data: Buffer, isDdf: boolean): Buffer[] {
  const cells = rows.map((row) => row.split(' '));
  const count = cells[0]?.length ?? 0;
  return Array.from({ length: count }, (_, member) =>
    Buffer.concat(
      cells.map((row) => {
        const cell = row[member] ?? '';
        if (cell === 'P') return sum(row, data, () => 1);
        return cell === 'Q' ? sum(row, data, (place) => twoTo(exponentOf(row, place, isDdf))) : chunk(data, cell);
      }),
    ),
  );
}

function chunk(data: Buffer, cell: string): Buffer {
  return data.subarray(Number(cell) * CHUNK, (Number(cell) + 1) * CHUNK);
}

function sum(row: readonly string[], data: Buffer, factor: (place: number) => number): Buffer {
  const total = Buffer.alloc(CHUNK);
  for (const [place, cell] of row.entries()) {
    if (cell === 'P' || cell === 'Q') continue;
    for (const [index, byte] of chunk(data, cell).entries())
      total[index] = (total[index] ?? 0) ^ times(byte, factor(place));
  }
  return total;
}

/** md counts data from behind Q on; DDF counts members. */
function exponentOf(row: readonly string[], place: number, isDdf: boolean): number {
  if (isDdf) return place;
  const start = row.indexOf('Q') + 1;
  const turned = [...row.slice(start), ...row.slice(0, start)].filter((cell) => cell !== 'P' && cell !== 'Q');
  return turned.indexOf(row[place] ?? '');
}

/** Multiplication as in school, with the remainder by 0x11d. */
function times(a: number, b: number): number {
  let product = 0;
  for (let bit = 0; bit < 8; bit++) if ((b >> bit) & 1) product ^= a << bit;
  for (let bit = 15; bit >= 8; bit--) if ((product >> bit) & 1) product ^= 0x11d << (bit - 8);
  return product;
}

function twoTo(exponent: number): number {
  return exponent === 0 ? 1 : times(twoTo(exponent - 1), 2);
}

describe('level 10', () => {
  const drawings = [
    { name: 'two near copies on four', near: 2, far: 1, offset: false, rows: ['0 0 1 1', '2 2 3 3'] },
    { name: 'two near copies on three', near: 2, far: 1, offset: false, rows: ['0 0 1', '1 2 2', '3 3 4', '4 5 5'] },
    { name: 'two far copies on three', near: 1, far: 2, offset: false, rows: ['0 1 2', '3 4 5', '2 0 1', '5 3 4'] },
    { name: 'two offset copies on three', near: 1, far: 2, offset: true, rows: ['0 1 2', '2 0 1', '3 4 5', '5 3 4'] },
  ];

  test.each(drawings)('with $name is read from any member that has a chunk', ({ near, far, offset, rows }) => {
    const cells = rows.map((row) => row.split(' ').map(Number));
    const data = randomBytes(6 * CHUNK).subarray(0, (Math.max(...cells.flat()) + 1) * CHUNK);
    const members = (cells[0] ?? []).map((_, member) =>
      Buffer.concat(cells.map((row) => chunk(data, String(row[member])))),
    );
    for (const missing of [-1, ...members.keys()]) {
      const array = joinMirroredStripes({
        members: members.map((bytes, index) => (index === missing ? undefined : new MemorySource(bytes))),
        nearCopies: near,
        farCopies: far,
        isOffset: offset,
        chunkBytes: CHUNK,
        sizeBytes: data.length,
        farStrideBytes: (rows.length / far) * CHUNK,
      });
      expect(data.equals(array.read(0, data.length))).toBe(true);
    }
  });
});
