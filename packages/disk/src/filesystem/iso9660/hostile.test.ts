import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MemorySource } from '../../source/memory-source.ts';
import { mutate, seededRandom } from '../../testing/mutation.ts';
import { readAll } from '../testing/read-all.ts';
import { survives } from '../testing/survives.ts';
import { readBootCatalogue } from './boot-catalogue.ts';
import { iso9660Format } from './format.ts';
import { DESCRIPTORS_AT, SECTOR_SIZE } from './layout.ts';
import { hasIsoTools, makeDiscFolder, makeIso, openBytes } from './testing/image.ts';

interface Hostile {
  readonly what: string;
  readonly damage: (image: DataView, find: Finder) => void;
  readonly message: RegExp;
  readonly kind?: 'corrupt' | 'unsupported';
}

/** Where text stands on the disc: what it must be followed by tells it from others. */
type Finder = (text: string) => number;

const blockSize = DESCRIPTORS_AT + 128;
const rootExtent = DESCRIPTORS_AT + 158;
const rootFlags = DESCRIPTORS_AT + 181;
const rootOf = (image: DataView) => image.getUint32(rootExtent, true) * SECTOR_SIZE;
/** The record of the file `text`, from the start of what Rock Ridge says of it. */
const nameOf = (find: Finder) => find('NM\x09\x01\x00text');
const recordOf = (find: Finder) => find('\x07TEXT.;1') - 32;

const HOSTILE: readonly Hostile[] = [
  { what: 'no descriptors', damage: (image) => image.setUint8(DESCRIPTORS_AT + 1, 0), message: /no primary/ },
  { what: 'blocks of 0 bytes', damage: (image) => image.setUint16(blockSize, 0, true), message: /0 bytes/ },
  { what: 'blocks of 3 bytes', damage: (image) => image.setUint16(blockSize, 3, true), message: /3 bytes/ },
  { what: 'a root past the end', damage: (image) => image.setUint32(rootExtent, 2 ** 31, true), message: /ends at/ },
  {
    what: 'a root of 4 GiB',
    damage: (image) => image.setUint32(rootOf(image) + 10, 2 ** 32 - 1, true),
    message: /at most/,
  },
  { what: 'a root that is a file', damage: (image) => image.setUint8(rootFlags, 0), message: /no folder/ },
  {
    what: 'a root without its own record',
    damage: (image) => image.setUint8(rootOf(image) + 33, 65),
    message: /not its own/,
  },
  { what: 'a record without a name', damage: (image) => image.setUint8(rootOf(image) + 32, 0), message: /name of 0/ },
  {
    what: 'a record shorter than its name',
    damage: (image) => image.setUint8(rootOf(image) + 32, 250),
    message: /name of 250/,
  },
  { what: 'a name with a slash', damage: (image, find) => image.setUint8(nameOf(find) + 6, 0x2f), message: /bad name/ },
  { what: 'a name with a zero', damage: (image, find) => image.setUint8(nameOf(find) + 6, 0), message: /bad name/ },
  {
    what: 'an entry past its record',
    damage: (image, find) => image.setUint8(nameOf(find) + 2, 255),
    message: /is cut/,
  },
  {
    what: 'a file past the end',
    damage: (image, find) => image.setUint32(recordOf(find) + 2, 2 ** 30, true),
    message: /ends at/,
  },
  {
    what: 'a file that never ends',
    damage: (image, find) => image.setUint8(recordOf(find) + 25, 0x80),
    message: /lacks the last/,
  },
  {
    what: 'a file that is interleaved',
    damage: (image, find) => image.setUint8(recordOf(find) + 26, 1),
    message: /interleaved/,
    kind: 'unsupported',
  },
  {
    what: 'a continuation past the end',
    damage: (image, find) => image.setUint32(find('CE\x1c\x01') + 4, 2 ** 31, true),
    message: /ends at/,
  },
  {
    what: 'a continuation of 4 GiB',
    damage: (image, find) => image.setUint32(find('CE\x1c\x01') + 20, 2 ** 32 - 1, true),
    message: /goes on for/,
  },
  { what: 'a continuation that loops', damage: loop, message: /more than 32/ },
  { what: 'a folder inside itself', damage: nest, message: /already known/ },
  {
    what: 'a moved folder that is none',
    damage: (image, find) => image.setUint32(find('CL\x0c\x01') + 4, 20, true),
    message: /not its own/,
  },
  {
    what: 'a component of a link that is cut',
    damage: (image, find) => image.setUint8(find('SL\x0f\x01') + 6, 200),
    message: /component/,
  },
  {
    what: 'times that do not fit',
    damage: (image, find) => image.setUint8(find('TF\x1a\x01') + 4, 0xff),
    message: /times/,
  },
];

/** Goes on where it is itself. */
function loop(image: DataView, find: Finder): void {
  const at = find('CE\x1c\x01');
  const block = Math.floor(at / SECTOR_SIZE);
  image.setUint32(at + 4, block, true);
  image.setUint32(at + 12, at % SECTOR_SIZE, true);
  image.setUint32(at + 20, 28, true);
}

/** The folder `many` becomes the root. */
function nest(image: DataView, find: Finder): void {
  image.setUint32(find('\x04MANY') - 30, image.getUint32(rootExtent, true), true);
}

describe.skipIf(!hasIsoTools)('a hostile disc', () => {
  let folder: string;
  let plain: Uint8Array;
  let packed: Uint8Array;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-iso9660-'));
    const from = path.join(folder, 'from');
    mkdirSync(from);
    makeDiscFolder(from, 4);
    plain = readFileSync(makeIso(path.join(folder, 'plain'), from, 'genisoimage -R -J -no-pad'));
    const filter = ['--', '-set_filter_r', '--zisofs', '/', '--'];
    packed = readFileSync(makeIso(path.join(folder, 'packed'), from, 'xorriso -R', ...filter));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test('is read while it is not damaged', () => {
    readAll(openBytes(plain));
    readAll(openBytes(packed));
  });

  test.each(HOSTILE)('with $what ends in an error that says so', ({ damage, message, kind = 'corrupt' }) => {
    const bytes = Uint8Array.from(plain);
    damage(new DataView(bytes.buffer), (text) => positionOf(bytes, text));
    expect(() => readAll(openBytes(bytes))).toThrow(
      expect.objectContaining({ name: 'DiskError', kind, message: expect.stringMatching(message) }),
    );
  });

  test.each([
    ['another algorithm', 'ZF\x10\x01', (at: number) => at + 4, 'P', /zisofs "Pz"/],
    ['another size', 'ZF\x10\x01', (at: number) => at + 8, '\xff', /expected/],
    ['no header', '\x37\xe4\x53\x96', (at: number) => at, 'x', /does not begin/],
    ['blocks of 2^30 bytes', '\x37\xe4\x53\x96', (at: number) => at + 13, '\x1e', /2\^30/],
    ['a table that leads out', '\x37\xe4\x53\x96', (at: number) => at + 23, '\x7f', /lies from/],
    ['a damaged block', '\x37\xe4\x53\x96', (at: number) => at + 80, '\x00\xff\x00\xff\x00\xff', /damaged|holds/],
  ] as const)('with a packed file of %s ends in an error that says so', (_, text, place, change, message) => {
    const bytes = Uint8Array.from(packed);
    bytes.set(Buffer.from(change, 'latin1'), place(positionOf(bytes, text)));
    expect(() => readAll(openBytes(bytes))).toThrow(
      expect.objectContaining({ name: 'DiskError', format: 'iso9660', message: expect.stringMatching(message) }),
    );
  });

  test('with a link that is cut shows the other files', () => {
    const bytes = Uint8Array.from(plain);
    bytes[positionOf(bytes, 'SL\x0f\x01') + 6] = 200;
    expect(openBytes(bytes).root.lookup('text')?.stat.type).toBe('file');
  });

  test('with a boot catalogue that is none, or past the end, says so', () => {
    const bytes = Uint8Array.from(plain);
    const boot = DESCRIPTORS_AT + SECTOR_SIZE;
    bytes.set(Buffer.from('\x00CD001\x01EL TORITO SPECIFICATION', 'latin1'), boot);
    new DataView(bytes.buffer).setUint32(boot + 71, 30, true);
    const read = () => readBootCatalogue(new MemorySource(bytes));
    expect(read).toThrow(expect.objectContaining({ kind: 'corrupt', message: expect.stringContaining('validate') }));
    new DataView(bytes.buffer).setUint32(boot + 71, 2 ** 32 - 1, true);
    expect(read).toThrow(
      expect.objectContaining({ kind: 'corrupt', message: expect.stringContaining('past the end') }),
    );
  });

  test.each([
    ['plain', 21],
    ['packed', 22],
  ] as const)('that is mutated (%s) is read, or ends in a DiskError', (which, seed) => {
    const bytes = which === 'plain' ? plain : packed;
    const random = seededRandom(seed);
    const root = rootOf(new DataView(bytes.buffer, bytes.byteOffset));
    const hot = [
      [DESCRIPTORS_AT, DESCRIPTORS_AT + 190],
      [root, root + 30 * SECTOR_SIZE],
      [root, root + 2 * SECTOR_SIZE],
    ] as const;
    let failed = 0;
    for (let index = 0; index < 150; index++) {
      const mutated = mutate(bytes, hot, random);
      if (!survives(() => openBytes(mutated), 'text')) failed += 1;
    }
    expect(failed).toBeGreaterThan(12);
  });
});

test.each([0, DESCRIPTORS_AT, DESCRIPTORS_AT + SECTOR_SIZE - 1])('%d bytes are no disc', (length) => {
  const head = new Uint8Array(length);
  head.set(
    Buffer.from('CD001').subarray(0, Math.max(0, length - DESCRIPTORS_AT - 1)),
    Math.min(length, DESCRIPTORS_AT + 1),
  );
  expect(iso9660Format.detect(head)).toBe(false);
});

function positionOf(bytes: Uint8Array, text: string): number {
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(text, 'latin1');
  if (at === -1) throw new Error(`Cannot find ${JSON.stringify(text)}`);
  return at;
}
