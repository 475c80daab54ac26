import { describe, expect, test } from 'vitest';
import type { DiskErrorKind } from '../../error.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { misbehaviour, mutate, seededRandom } from '../../testing/mutation.ts';
import type { DiskImage, ReferenceOpener } from '../image.ts';
import { openImage } from '../open.ts';
import { buildVhd, HEADER_AT, sealFooters, sealHeader, TABLE_AT } from './testing.ts';

const SECTORS = Array.from({ length: 16 }, (_, sector) => sector);
const SMALL = buildVhd({
  uniqueId: 1,
  blocks: new Map([
    [0, { sectors: SECTORS, fill: 1 }],
    [5, { sectors: SECTORS, fill: 64 }],
  ]),
});
const CHILD = buildVhd({
  type: 'differencing',
  uniqueId: 2,
  parent: { uniqueId: 1, relativePath: 'small.vhd' },
  blocks: new Map([[0, { sectors: [0, 3, 15], fill: 128 }]]),
});

const onlySmall: ReferenceOpener = { open: () => new MemorySource(SMALL) };

function open(bytes: Uint8Array): DiskImage {
  return openImage(new MemorySource(bytes), { claimedFormat: 'vhd', references: onlySmall });
}

/** Opens, maps and reads as much as a hostile size allows. */
function readAll(bytes: Uint8Array): void {
  const image = open(bytes);
  let count = 0;
  for (const _ of image.extents()) if (++count > 10_000) break;
  const most = Math.min(image.sizeBytes, 2 ** 20);
  image.read(0, most);
  image.read(image.sizeBytes - most, most);
}

type Change = (bytes: Buffer) => Buffer;

const footerU32 = (at: number, value: number): Change => edited((bytes) => bytes.writeUInt32BE(value, at), sealFooters);
const footerU64 = (at: number, value: bigint): Change =>
  edited((bytes) => bytes.writeBigUInt64BE(value, at), sealFooters);
const headerU32 = (at: number, value: number): Change =>
  edited((bytes) => bytes.writeUInt32BE(value, HEADER_AT + at), sealHeader);
const headerU64 = (at: number, value: bigint): Change =>
  edited((bytes) => bytes.writeBigUInt64BE(value, HEADER_AT + at), sealHeader);
const entry = (index: number, value: number): Change =>
  edited((bytes) => bytes.writeUInt32BE(value, TABLE_AT + index * 4));
const damaged = (at: number): Change => edited((bytes) => bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at));

function edited(edit: (bytes: Buffer) => void, seal: Change = (bytes) => bytes): Change {
  return (bytes) => {
    edit(bytes);
    return seal(bytes);
  };
}

interface Hostile {
  readonly what: string;
  readonly from?: Buffer;
  readonly change: Change;
  /** `corrupt` when left out. */
  readonly kind?: DiskErrorKind;
  /** Where the error must say it is. */
  readonly at?: number;
}

const END = SMALL.length - 512;

const HOSTILE: readonly Hostile[] = [
  { what: 'nothing but a cookie', change: (bytes) => bytes.subarray(0, 8) },
  { what: 'half a footer', change: (bytes) => bytes.subarray(0, 256) },
  { what: 'both footers damaged', change: (bytes) => damaged(100)(damaged(END + 100)(bytes)), at: END + 64 },
  { what: 'footers of version 2', change: footerU32(12, 0x20000), kind: 'unsupported', at: END + 12 },
  { what: 'type 0', change: footerU32(60, 0), kind: 'unsupported', at: END + 60 },
  { what: 'type 6', change: footerU32(60, 6), kind: 'unsupported', at: END + 60 },
  { what: 'a disk of 8 EiB', change: footerU64(48, 2n ** 63n), at: END + 48 },
  { what: 'a disk of 3 TiB', change: footerU64(48, 3n * 2n ** 40n), at: END + 48 },
  { what: 'a disk larger than its table maps', change: footerU64(48, 2n ** 30n), at: HEADER_AT + 28 },
  { what: 'a fixed disk larger than its file', change: footerU32(60, 2), at: END },
  { what: 'no dynamic header', change: footerU64(16, 2n ** 64n - 1n), at: 16 },
  { what: 'a dynamic header in the footer', change: footerU64(16, 0n), at: 16 },
  { what: 'a dynamic header past the end', change: footerU64(16, 2n ** 40n), at: 16 },
  { what: 'a dynamic header elsewhere', change: footerU64(16, 1024n), at: 1024 },
  { what: 'a damaged dynamic header', change: damaged(HEADER_AT + 700), at: HEADER_AT + 36 },
  { what: 'a dynamic header of version 2', change: headerU32(24, 0x20000), kind: 'unsupported', at: HEADER_AT + 24 },
  { what: 'blocks of no bytes', change: headerU32(32, 0), at: HEADER_AT + 32 },
  { what: 'blocks of 256 bytes', change: headerU32(32, 256), at: HEADER_AT + 32 },
  { what: 'blocks of 3 sectors', change: headerU32(32, 1536), at: HEADER_AT + 32 },
  { what: 'a table of no entries', change: headerU32(28, 0), at: HEADER_AT + 28 },
  { what: 'a table past the end', change: headerU64(16, 2n ** 40n), at: HEADER_AT + 16 },
  { what: 'a table beyond 2^53', change: headerU64(16, 2n ** 60n), at: HEADER_AT + 16 },
  { what: 'a table in the footer', change: headerU64(16, 0n), at: HEADER_AT + 16 },
  { what: 'a table in the dynamic header', change: headerU64(16, 600n), at: HEADER_AT + 16 },
  { what: 'a table that ends in the footer', change: headerU64(16, BigInt(END - 8)), at: HEADER_AT + 16 },
  { what: 'a block past the end', change: entry(1, 0xfffffffe), at: TABLE_AT + 4 },
  { what: 'a block that ends in the footer', change: entry(1, END / 512 - 16), at: TABLE_AT + 4 },
  { what: 'a block in the footer', change: entry(1, 0), at: TABLE_AT + 4 },
  { what: 'a block in the dynamic header', change: entry(1, 1), at: TABLE_AT + 4 },
  { what: 'a block in the table', change: entry(1, 3), at: TABLE_AT + 4 },
  { what: 'a block cut off, with the footer', change: (bytes) => bytes.subarray(0, END - 512), at: TABLE_AT + 20 },
  { what: 'a parent with no name', from: CHILD, change: headerU32(576 + 24, 0), kind: 'denied' },
  { what: 'a locator past the end', from: CHILD, change: headerU64(576 + 24 + 16, 2n ** 40n), at: HEADER_AT + 600 },
  { what: 'a locator of 4 GiB', from: CHILD, change: headerU32(576 + 24 + 8, 0xffffffff), at: HEADER_AT + 600 },
  { what: 'another parent', from: CHILD, change: headerU32(40, 0) },
];

describe('a hostile VHD image', () => {
  test.each(HOSTILE)('with $what is refused, by kind and place', ({ from = SMALL, change, kind = 'corrupt', at }) => {
    let caught: unknown;
    try {
      readAll(change(Buffer.from(from)));
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({ name: 'DiskError', kind, ...(at === undefined ? {} : { offset: at }) });
  });

  test('of which the footer at the end is damaged is read by the copy in front, with a warning', () => {
    const image = open(damaged(END + 100)(Buffer.from(SMALL)));
    expect(image.facts.warnings).toEqual([expect.stringContaining('footer at the end is missing or damaged')]);
    expect(image.read(0, 8192)).toEqual(open(SMALL).read(0, 8192));
  });

  test('of which the copy in front is damaged is read by the footer at the end, with a warning', () => {
    const image = open(damaged(100)(Buffer.from(SMALL)));
    expect(image.facts.warnings).toEqual([expect.stringContaining('copy of the footer in front')]);
  });

  test('that lost no more than the footer at its end is read, with a warning', () => {
    expect(open(SMALL.subarray(0, END)).facts.warnings).toHaveLength(1);
  });

  test.each([
    ['type', 60, 4],
    ['virtualSize', 52, 0x8000],
    ['dataOffset', 20, 1024],
    ['uniqueId', 68, 9],
  ])('whose footers tell of another %s is refused: two readers would see two disks', (name, at, value) => {
    const other = footerU32(at, value)(Buffer.from(SMALL));
    const bytes = Buffer.concat([other.subarray(0, END), SMALL.subarray(END)]);
    expect(() => open(bytes)).toThrow(`${name} is`);
  });

  test('that is fixed is read by the footer at its end, whatever the guest wrote in front', () => {
    const fixed = Buffer.concat([Buffer.alloc(65_536), footerU32(60, 2)(Buffer.from(SMALL)).subarray(END)]);
    expect(open(fixed).facts).toMatchObject({ details: { type: 'fixed' }, warnings: [] });
    fixed.write('conectix');
    expect(open(fixed).read(0, 8)).toEqual(new Uint8Array(Buffer.from('conectix')));
    SMALL.copy(fixed, 0, 0, 8192);
    expect(() => open(fixed)).toThrow('type is dynamic in front and fixed at the end');
  });

  test('with a footer of 511 bytes is read', () => {
    const bytes = SMALL.subarray(0, SMALL.length - 1);
    expect(open(bytes).facts.warnings).toEqual([]);
    expect(open(bytes).read(0, 65_536)).toEqual(open(SMALL).read(0, 65_536));
  });

  test('in saved state is read, with a warning', () => {
    const bytes = edited((footer) => footer.writeUInt8(1, 84), sealFooters)(Buffer.from(SMALL));
    expect(open(bytes).facts.warnings).toEqual([expect.stringContaining('saved state')]);
  });

  test.each([
    ['vpc ', 2048],
    ['qemu', 2048],
    ['win ', 65_536],
    ['vbox', 65_536],
    ['wa\0\0', 65_536],
  ])('written by "%s" has %i bytes when geometry and current size differ', (creator, sizeBytes) => {
    const bytes = edited((footer) => {
      footer.write(creator, 28, 'latin1');
      // one cylinder, two heads, two sectors
      footer.writeUInt32BE(0x00010202, 56);
    }, sealFooters)(Buffer.from(SMALL));
    const { facts } = open(bytes);
    expect(facts.virtual_size).toBe(sizeBytes);
    expect(facts.details).toMatchObject({ current_size: 65_536, geometry_size: 2048 });
    expect(facts.warnings).toHaveLength(sizeBytes === 2048 ? 1 : 0);
  });

  test('never ends in anything but a DiskError, whatever is changed', () => {
    const random = seededRandom(20_260_102);
    const hot = [
      [0, 88],
      [HEADER_AT, HEADER_AT + 64],
      [HEADER_AT + 576, HEADER_AT + 624],
      [TABLE_AT, TABLE_AT + 32],
      [8192, 8200],
    ] as const;
    for (const base of [SMALL, CHILD]) {
      for (let round = 0; round < 3000; round++) {
        const changed = Buffer.from(mutate(base, hot, random));
        // most changes must get past the checksums
        const bytes = changed.length === base.length && round % 4 > 0 ? sealFooters(sealHeader(changed)) : changed;
        expect(misbehaviour(() => readAll(bytes))).toBeUndefined();
      }
    }
  });
});
