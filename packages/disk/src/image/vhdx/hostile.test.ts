import { describe, expect, test } from 'vitest';
import type { DiskErrorKind } from '../../error.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { misbehaviour, mutate, seededRandom } from '../../testing/mutation.ts';
import type { DiskImage } from '../image.ts';
import { openImage } from '../open.ts';
import { LOG_SECTOR, MIB } from './layout.ts';
import {
  BAT_AT,
  batOf,
  buildVhdx,
  HEADERS,
  ITEM_AT,
  LOG_AT,
  METADATA_AT,
  sealAll,
  type VhdxFile,
  type VhdxRecipe,
} from './testing.ts';

const BLOCKS: VhdxRecipe = {
  bat: new Map([
    [0, [6, 4]],
    [2, [2, 0]],
    [3, [6, 5]],
  ]),
  blocks: new Map([
    [4, Buffer.from('four')],
    [5, Buffer.from('five')],
  ]),
};
const SMALL = buildVhdx(BLOCKS);
const CHILD = buildVhdx({
  bat: new Map([
    [0, [7, 4]],
    [1, [6, 5]],
    [4096, [6, 6]],
  ]),
  blocks: new Map([[6, Buffer.of(0x55)]]),
  parent: { parent_linkage: '{01010101-0101-0101-0101-010101010101}', relative_path: 'small.vhdx' },
});
const NEW_BAT = { offset: BAT_AT, content: batOf({ bat: new Map([[0, [6, 5]]]) }).subarray(0, LOG_SECTOR) };
const LOGGED = buildVhdx({
  ...BLOCKS,
  log: [
    { at: 0, sequence: 1, writes: [NEW_BAT, { offset: 7 * MIB, content: LOG_SECTOR }] },
    { at: 2, sequence: 2, tail: 0, writes: [NEW_BAT] },
  ],
});

function open(source: ByteSource): DiskImage {
  return openImage(source, { claimedFormat: 'vhdx', references: { open: () => SMALL.source } });
}

/** Opens, maps and reads as much as a hostile size allows. */
function readAll(source: ByteSource): void {
  const image = open(source);
  let count = 0;
  for (const _ of image.extents()) if (++count > 10_000) break;
  const most = Math.min(image.sizeBytes, 2 ** 20);
  image.read(0, most);
  image.read(image.sizeBytes - most, most);
}

type Change = (file: VhdxFile) => VhdxFile;

const both =
  (first: number, second: number) =>
  (edit: (piece: Buffer) => void): Change =>
  (file) =>
    file.edited(edit, first).edited(edit, second);
const headers = both(HEADERS.first, HEADERS.second);
const tables = both(HEADERS.regions, HEADERS.moreRegions);
const metadata =
  (edit: (piece: Buffer) => void): Change =>
  (file) =>
    file.edited(edit, METADATA_AT);
const log =
  (edit: (piece: Buffer) => void): Change =>
  (file) =>
    file.edited(edit, LOG_AT);
const item = (at: number, value: number): Change => metadata((piece) => piece.writeUInt32LE(value, at));
const entry =
  (index: number, value: bigint): Change =>
  (file) =>
    file.edited((piece) => piece.writeBigUInt64LE(value, index * 8), BAT_AT);
/** Without making the checksum right. */
const damaged =
  (...starts: readonly number[]): Change =>
  (file) =>
    starts.reduce((changed, start) => {
      const piece = Buffer.from(changed.pieces.get(start) ?? []);
      piece.writeUInt8(piece.readUInt8(40) ^ 1, 40);
      return changed.with(start, piece);
    }, file);

interface Hostile {
  readonly what: string;
  readonly from?: VhdxFile;
  readonly change: Change;
  /** `corrupt` when left out. */
  readonly kind?: DiskErrorKind;
  /** Where the error must say it is. */
  readonly at?: number;
}

const FIRST_ENTRY = HEADERS.regions + 16;
const BLOCK = (mib: number, state = 6) => BigInt(mib * MIB + state);

const HOSTILE: readonly Hostile[] = [
  { what: 'an identifier alone', change: (file) => file.cut(4096), at: 4096 },
  { what: 'two damaged headers', change: damaged(HEADERS.first, HEADERS.second), at: HEADERS.first },
  {
    what: 'headers of version 2',
    change: headers((h) => h.writeUInt16LE(2, 66)),
    kind: 'unsupported',
    at: HEADERS.first + 66,
  },
  {
    what: 'headers that differ under one number',
    change: (file) =>
      file.edited((h) => h.fill(3, 16, 32), HEADERS.first).edited((h) => h.writeUInt32LE(4, 8), HEADERS.second),
    at: HEADERS.second,
  },
  { what: 'a log in the headers', change: headers((h) => h.writeUInt32LE(0, 72)), at: HEADERS.second + 68 },
  { what: 'a log past the end', change: headers((h) => h.writeUInt32LE(0x10000, 74)), at: HEADERS.second + 68 },
  {
    what: 'a log that is not aligned',
    change: headers((h) => h.writeUInt32LE(MIB + 512, 68)),
    at: HEADERS.second + 68,
  },
  { what: 'a log over the table', change: headers((h) => h.writeUInt32LE(2 * MIB, 68)), at: HEADERS.regions },
  { what: 'two damaged region tables', change: damaged(HEADERS.regions, HEADERS.moreRegions), at: HEADERS.regions },
  {
    what: 'a region table of 4 G entries',
    change: tables((t) => t.writeUInt32LE(0xffffffff, 8)),
    at: HEADERS.regions + 8,
  },
  { what: 'no regions', change: tables((t) => t.writeUInt32LE(0, 8)), at: HEADERS.regions },
  {
    what: 'a required region that is unknown',
    change: tables((t) => t.fill(9, 16, 32)),
    kind: 'unsupported',
    at: FIRST_ENTRY,
  },
  { what: 'a region twice', change: tables((t) => t.copy(t, 48, 16, 32)), at: FIRST_ENTRY + 32 },
  { what: 'a block table in the headers', change: tables((t) => t.writeUInt32LE(0, 32)), at: FIRST_ENTRY },
  { what: 'a block table past the end', change: tables((t) => t.writeUInt32LE(64 * MIB, 32)), at: FIRST_ENTRY },
  { what: 'a block table beyond 2^53', change: tables((t) => t.fill(0xff, 32, 40)), at: FIRST_ENTRY + 16 },
  {
    what: 'a block table over the metadata',
    change: tables((t) => t.writeUInt32LE(METADATA_AT, 32)),
    at: HEADERS.regions,
  },
  { what: 'no metadata table', change: metadata((m) => m.fill(0, 0, 8)), at: METADATA_AT },
  { what: 'too many items', change: metadata((m) => m.writeUInt16LE(2048, 10)), at: METADATA_AT + 10 },
  { what: 'no items', change: metadata((m) => m.writeUInt16LE(0, 10)), at: METADATA_AT },
  {
    what: 'a required item that is unknown',
    change: metadata((m) => m.fill(9, 32, 48)),
    kind: 'unsupported',
    at: METADATA_AT + 32,
  },
  { what: 'an item twice', change: metadata((m) => m.copy(m, 64, 32, 48)), at: METADATA_AT + 64 },
  { what: 'an item in the table', change: item(48, 64), at: METADATA_AT + 32 },
  { what: 'an item past the end', change: item(48, 0xfffffff0), at: METADATA_AT + 32 },
  { what: 'an item of 4 GiB', change: item(52, 0xffffffff), at: METADATA_AT + 32 },
  { what: 'an item too short', change: item(52, 3), at: METADATA_AT + ITEM_AT.blockSize },
  { what: 'blocks of no bytes', change: item(ITEM_AT.blockSize, 0), at: METADATA_AT + ITEM_AT.blockSize },
  { what: 'blocks of 512 KiB', change: item(ITEM_AT.blockSize, MIB / 2), at: METADATA_AT + ITEM_AT.blockSize },
  { what: 'blocks of 3 MiB', change: item(ITEM_AT.blockSize, 3 * MIB), at: METADATA_AT + ITEM_AT.blockSize },
  { what: 'blocks of 512 MiB', change: item(ITEM_AT.blockSize, 512 * MIB), at: METADATA_AT + ITEM_AT.blockSize },
  { what: 'sectors of no bytes', change: item(ITEM_AT.sectorSize, 0), at: METADATA_AT + ITEM_AT.sectorSize },
  { what: 'sectors of 1024 bytes', change: item(ITEM_AT.sectorSize, 1024), at: METADATA_AT + ITEM_AT.sectorSize },
  { what: 'half a sector', change: item(ITEM_AT.size, 4 * MIB + 256), at: METADATA_AT + ITEM_AT.size },
  { what: 'a disk of 65 TiB', change: item(ITEM_AT.size + 4, 65 * 256), at: METADATA_AT + ITEM_AT.size },
  { what: 'a disk of 8 EiB', change: item(ITEM_AT.size + 4, 0x80000000), at: METADATA_AT + ITEM_AT.size },
  { what: 'a disk larger than its table maps', change: item(ITEM_AT.size + 4, 256), at: BAT_AT },
  { what: 'a parent of which nothing is said', change: item(ITEM_AT.flags, 2), at: METADATA_AT + ITEM_AT.blockSize },
  { what: 'a block in state 4', change: entry(1, 4n), at: BAT_AT + 8 },
  { what: 'a block past the end', change: entry(1, BLOCK(8)), at: BAT_AT + 8 },
  { what: 'a block beyond 2^53', change: entry(1, 2n ** 64n - 2n), at: BAT_AT + 8 },
  { what: 'a block in the headers', change: entry(1, BLOCK(0)), at: BAT_AT + 8 },
  { what: 'a block in the log', change: entry(1, BLOCK(1)), at: BAT_AT + 8 },
  { what: 'a block that is the table', change: entry(1, BLOCK(2)), at: BAT_AT + 8 },
  { what: 'a block in the metadata', change: entry(1, BLOCK(3)), at: BAT_AT + 8 },
  { what: 'a block in part, without a parent', change: entry(1, BLOCK(5, 7)), at: BAT_AT + 8 },
  { what: 'a file cut in a block', change: (file) => file.cut(5 * MIB + 4096), at: BAT_AT + 24 },
  { what: 'a file cut in the metadata', change: (file) => file.cut(3 * MIB + 4096), at: FIRST_ENTRY + 32 },
  { what: 'no sector bitmap', from: CHILD, change: entry(4096, 0n), at: BAT_AT + 4096 * 8 },
  { what: 'a sector bitmap past the end', from: CHILD, change: entry(4096, BLOCK(8)), at: BAT_AT + 4096 * 8 },
  {
    what: 'a locator of another type',
    from: CHILD,
    change: item(ITEM_AT.parent, 0),
    kind: 'unsupported',
    at: METADATA_AT + ITEM_AT.parent,
  },
  {
    what: 'a locator key past the end',
    from: CHILD,
    change: item(ITEM_AT.parent + 20, 0xffffffff),
    at: METADATA_AT + ITEM_AT.parent + 20,
  },
  {
    what: 'a locator of 65535 keys',
    from: CHILD,
    change: metadata((m) => m.writeUInt16LE(0xffff, ITEM_AT.parent + 18)),
  },
  {
    what: 'a log of version 1',
    from: LOGGED,
    change: headers((h) => h.writeUInt16LE(1, 64)),
    kind: 'unsupported',
    at: HEADERS.second + 64,
  },
  {
    what: 'a log that was never written',
    from: LOGGED,
    change: (file) => file.with(LOG_AT, Buffer.alloc(MIB)),
    at: LOG_AT,
  },
  { what: 'a log of another file', from: LOGGED, change: headers((h) => h.fill(0x11, 48, 64)), at: LOG_AT },
  {
    what: 'a log entry of no bytes',
    from: LOGGED,
    change: log((l) => [0, 8192].map((at) => l.writeUInt32LE(0, at + 8))),
    at: LOG_AT,
  },
  { what: 'a log descriptor of nothing', from: LOGGED, change: log((l) => l.fill(0, 64, 68)), at: LOG_AT + 64 },
  {
    what: 'a log descriptor of another entry',
    from: LOGGED,
    change: log((l) => l.writeUInt32LE(9, 64 + 24)),
    at: LOG_AT + 64,
  },
  {
    what: 'a log write that is not aligned',
    from: LOGGED,
    change: log((l) => l.writeUInt32LE(BAT_AT + 512, 64 + 16)),
    at: LOG_AT + 64,
  },
  {
    what: 'a log write over the headers',
    from: LOGGED,
    change: log((l) => l.writeUInt32LE(HEADERS.first, 64 + 16)),
    at: LOG_AT,
  },
  {
    what: 'a log write over the log',
    from: LOGGED,
    change: log((l) => l.writeUInt32LE(LOG_AT + 4096, 64 + 16)),
    at: LOG_AT,
  },
  {
    what: 'a log write beyond 2^53',
    from: LOGGED,
    change: log((l) => l.fill(0xff, 64 + 16, 64 + 24)),
    at: LOG_AT + 64 + 16,
  },
  { what: 'zeros over the log', from: LOGGED, change: log((l) => l.writeUInt32LE(0, 96 + 16)), at: LOG_AT },
  {
    what: 'zeros that are not aligned',
    from: LOGGED,
    change: log((l) => l.writeUInt32LE(512, 96 + 8)),
    at: LOG_AT + 96,
  },
  {
    what: 'a data sector of another entry',
    from: LOGGED,
    change: log((l) => l.writeUInt32LE(9, 8192 - 4)),
    at: LOG_AT + 4096,
  },
  { what: 'a log entry without its data', from: LOGGED, change: log((l) => l.write('desc', 96)), at: LOG_AT + 96 },
  {
    what: 'a log that wants a file of 16 EiB',
    from: LOGGED,
    change: log((l) => l.fill(0xff, 8192 + 56, 8192 + 64)),
    at: LOG_AT + 8192 + 56,
  },
];

describe('a hostile VHDX image', () => {
  test.each(HOSTILE)('with $what is refused, by kind and place', ({ from = SMALL, change, kind = 'corrupt', at }) => {
    let caught: unknown;
    try {
      readAll(change(from).source);
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({ name: 'DiskError', kind, ...(at === undefined ? {} : { offset: at }) });
  });

  test.each([SMALL, CHILD, LOGGED])('is a change of one that is read', (file) => {
    expect(() => readAll(file.source)).not.toThrow();
  });

  test('with one damaged header or region table is read by the other, with a warning', () => {
    const stale = SMALL.edited((h) => h.fill(0x11, 48, 64), HEADERS.first);
    expect(open(stale.source).facts.warnings).toEqual([]);
    expect(open(damaged(HEADERS.first)(SMALL).source).facts.warnings).toEqual(['one of the two headers is damaged']);
    for (const table of [HEADERS.regions, HEADERS.moreRegions]) {
      const image = open(damaged(table)(SMALL).source);
      expect(image.facts.warnings).toEqual(['one of the two region tables is damaged']);
      expect(Buffer.from(image.read(0, 4)).toString()).toBe('four');
    }
  });

  test('with regions and items that are unknown, but not required, is read', () => {
    const more = tables((table) => {
      table.writeUInt32LE(3, 8);
      table.fill(9, 80, 96);
    })(SMALL);
    const image = open(
      metadata((piece) => {
        piece.writeUInt16LE(6, 10);
        piece.fill(9, 192, 216);
        piece.writeUInt32LE(0, 216);
      })(more).source,
    );
    expect(Buffer.from(image.read(3 * MIB, 4)).toString()).toBe('five');
  });

  test('with two headers that are the same is read: Disk2vhd writes them', () => {
    const same = SMALL.edited((header) => header.writeUInt32LE(5, 8), HEADERS.first);
    expect(open(same.source).facts.warnings).toEqual([]);
  });

  test('with a log of entries that overlap ends soon', () => {
    const entries = Buffer.alloc(MIB);
    for (let at = 0; at < MIB; at += LOG_SECTOR) {
      LOGGED.pieces.get(LOG_AT)?.copy(entries, at, 0, 64);
      entries.writeUInt32LE(MIB, at + 8);
    }
    expect(() => open(LOGGED.with(LOG_AT, entries).source)).toThrow('its entries overlap');
  });

  test('never ends in anything but a DiskError, whatever is changed', () => {
    const random = seededRandom(20_260_103);
    const hot: Readonly<Record<number, readonly (readonly [number, number])[]>> = {
      [HEADERS.first]: [[0, 80]],
      [HEADERS.second]: [[0, 80]],
      [HEADERS.regions]: [[0, 80]],
      [METADATA_AT]: [
        [0, 224],
        [65_536, 65_760],
      ],
      [BAT_AT]: [
        [0, 32],
        [32_768, 32_776],
      ],
      [LOG_AT]: [
        [0, 128],
        [4096, 4112],
        [8192, 8320],
      ],
    };
    for (const base of [SMALL, CHILD, LOGGED]) {
      const starts = Object.keys(hot)
        .map(Number)
        .filter((start) => base.pieces.has(start));
      for (let round = 0; round < 700; round++) {
        const start = starts[random(starts.length)] ?? BAT_AT;
        const original = (base.pieces.get(start) ?? Buffer.alloc(0)).subarray(0, 131_072);
        const changed = Buffer.from(mutate(original, hot[start] ?? [], random));
        const isWhole = changed.length === original.length && round % 4 > 0;
        const file = base.with(start, isWhole ? sealAll(changed, start) : changed);
        expect(misbehaviour(() => readAll(file.source))).toBeUndefined();
      }
    }
  });
});
