import { describe, expect, test } from 'vitest';
import type { FileNode } from '../file-system.ts';
import { entry, FatImage, FOLDER, longSlots, VOLUME } from './testing/fat-image.ts';

const SHORT = 'LONGNA~1TXT';

function namesOf(...slots: readonly Uint8Array[]): string[] {
  return [
    ...new FatImage()
      .fill('root', ...slots)
      .open()
      .root.list(),
  ].map(({ name }) => name);
}

describe('the names of a FAT folder', () => {
  test.each([
    ['FILE    TXT', 0, 'FILE.TXT'],
    ['FILE    TXT', 0x08, 'file.TXT'],
    ['FILE    TXT', 0x10, 'FILE.txt'],
    ['FILE    TXT', 0x18, 'file.txt'],
    ['NOEXT      ', 0x18, 'noext'],
    ['A B     C D', 0, 'A B.C D'],
    ['        TXT', 0, '.TXT'],
    ['\x05ABC    ', 0, 'σABC'],
    // code page 437, small letters where it has them
    ['\x80\x8e\x9a\xe1   ', 0, 'ÇÄÜß'],
    ['\x80\x8e\x9a\xe9   ', 0x08, 'çäüΘ'],
  ])('%j with case flags %i is %s', (name, caseFlags, expected) => {
    expect(namesOf(entry({ name: name.padEnd(11), caseFlags }))).toEqual([expected]);
  });

  test('are the long ones, where they are whole', () => {
    const thirteen = 'thirteen-char';
    const long = `${'n'.repeat(254)}\u{1f600}`.slice(1);
    for (const name of ['a', thirteen, `${thirteen}x`, long, '日本語 — ünïcödé 😀', 'trailing. . ']) {
      expect(namesOf(...longSlots(name, SHORT), entry({ name: SHORT }))).toEqual([name]);
    }
  });

  test('keep surrogates without partners apart', () => {
    const name = (unit: number) => namesOf(...longSlots([0x61, unit], SHORT), entry({ name: SHORT }));
    expect(name(0xd800)).toEqual(['a\udced\udca0\udc80']);
    expect(name(0xdc80)).toEqual(['a\udced\udcb2\udc80']);
  });

  const [second, first] = longSlots('a long name of two slots', SHORT) as [Uint8Array, Uint8Array];
  const file = entry({ name: SHORT });
  const other = entry({ name: 'OTHER      ' });
  const changed = (slot: Uint8Array, offset: number, value: number) => slot.with(offset, value);

  test.each<[what: string, slots: readonly Uint8Array[]]>([
    ['belong to another entry', [...longSlots('a long name of two slots', 'ANOTHER~1  '), file]],
    ['have slots with different checksums', [second, changed(first, 13, 0), file]],
    ['lack their first slot', [first, file]],
    ['lack their last slot', [second, file]],
    ['have slots in the wrong order', [first, second, file]],
    ['have a slot twice', [second, first, first, file]],
    ['have a deleted slot', [second, changed(first, 0, 0xe5), file]],
    ['are cut by the label', [second, first, entry({ name: 'LABEL      ', attributes: VOLUME }), file]],
    ['have more slots than a name can have', [changed(second, 0, 0x40 | 21), file]],
    ['have no number', [changed(second, 0, 0x40), first, file]],
  ])('are the short ones, where the long ones %s', (_, slots) => {
    expect(namesOf(...slots)).toEqual(['LONGNA~1.TXT']);
  });

  test('begin anew with another long name', () => {
    expect(
      namesOf(second, second, first, file, ...longSlots('next', 'NEXT       '), entry({ name: 'NEXT       ' })),
    ).toEqual(['a long name of two slots', 'next']);
    expect(namesOf(second, other, first, file)).toEqual(['OTHER', 'LONGNA~1.TXT']);
  });

  test('end with the first entry that was never used', () => {
    expect(namesOf(file, new Uint8Array(32), other)).toEqual(['LONGNA~1.TXT']);
  });

  test.each([
    ['a slash', 'a/b'],
    ['two dots', '..'],
    ['nothing', [0]],
  ])('of %s end in a DiskError, and do not keep the others from being found', (_, name) => {
    const { root } = new FatImage().fill('root', ...longSlots(name, SHORT), file, other).open();
    const corrupt = expect.objectContaining({
      kind: 'corrupt',
      format: 'vfat',
      message: expect.stringMatching('bad name'),
    });
    expect(() => [...root.list()]).toThrow(corrupt);
    expect(root.lookup('other')?.stat.type).toBe('file');
  });
});

describe('lookup in a FAT folder', () => {
  const { root } = new FatImage()
    .fill(
      'root',
      entry({ name: 'LABEL      ', attributes: VOLUME }),
      ...longSlots('Größe der Straße.txt', SHORT),
      entry({ name: SHORT, size: 1, cluster: 5 }),
      entry({ name: 'README     ', size: 2, cluster: 6 }),
      ...longSlots('longna~1.txt', 'OTHER      '),
      entry({ name: 'OTHER      ', size: 3, cluster: 7 }),
    )
    .open();
  const sizeOf = (node: FileNode | undefined) => node?.stat.sizeBytes;

  test('does not regard case, nor dots at the end', () => {
    for (const name of [
      'Größe der Straße.txt',
      'GRÖSSE DER STRASSE.TXT'.replaceAll('SS', 'ß'),
      'größe DER straße.TXT...',
    ]) {
      expect(sizeOf(root.lookup(name))).toBe(1);
    }
    expect(sizeOf(root.lookup('readme'))).toBe(2);
  });

  test('finds the short name of a file with a long one, and of two the first', () => {
    expect(sizeOf(root.lookup('longna~1.txt'))).toBe(1);
    expect(sizeOf(root.lookup('other'))).toBe(3);
  });

  test.each(['label', '', '.', '..', 'größe', 'GRÖSSE DER STRASSE.TXT'])('does not find %j', (name) => {
    expect(root.lookup(name)).toBeUndefined();
  });
});

describe('the times of a FAT file', () => {
  const word = (high: number, middle: number, low: number, bits: readonly [number, number]) =>
    (high << bits[0]) | (middle << bits[1]) | low;
  const date = (year: number, month: number, day: number) => word(year - 1980, month, day, [9, 5]);
  const time = (hour: number, minute: number, second: number) => word(hour, minute, second / 2, [11, 5]);
  const seconds = (text: string) => Date.parse(`${text}Z`) / 1000;

  function statWith(times: Parameters<typeof entry>[0]['times']) {
    const file = entry({ name: 'FILE       ', ...(times && { times }) });
    return new FatImage().fill('root', file).open().root.lookup('file')?.stat;
  }

  test('are those of the clock of who wrote it, taken for UTC', () => {
    const stat = statWith({
      date: date(2024, 2, 29),
      time: time(23, 59, 58),
      cdate: date(2000, 3, 1),
      ctime: time(0, 0, 2),
      hundredths: 199,
      adate: date(2107, 12, 31),
    });
    const modified = { seconds: seconds('2024-02-29T23:59:58'), nanoseconds: 0 };
    expect(stat).toMatchObject({
      modifiedAt: modified,
      changedAt: modified,
      createdAt: { seconds: seconds('2000-03-01T00:00:03'), nanoseconds: 990_000_000 },
      accessedAt: { seconds: seconds('2107-12-31T00:00:00'), nanoseconds: 0 },
    });
  });

  test.each([1980, 1981, 1999, 2000, 2001, 2038, 2099, 2100, 2101, 2104, 2107])(
    'know the leap years about %d',
    (year) => {
      for (const [month, day] of [
        [1, 1],
        [2, 28],
        [3, 1],
        [12, 31],
      ] as const) {
        const expected = Date.UTC(year, month - 1, day) / 1000;
        expect(statWith({ date: date(year, month, day) })?.modifiedAt.seconds).toBe(expected);
      }
    },
  );

  test('that are not in the calendar are what the kernel makes of them', () => {
    const at = (word: number, clock = 0) => statWith({ date: word, time: clock })?.modifiedAt.seconds;
    expect(at(0)).toBe(seconds('1980-01-01T00:00:00'));
    expect(at(date(2001, 2, 31))).toBe(seconds('2001-03-03T00:00:00'));
    expect(at(date(2001, 1, 1), 0xffff)).toBe(seconds('2001-01-02T08:04:02'));
  });
});

test('the nodes of a FAT volume have numbers of their own, and no attributes', () => {
  const image = new FatImage();
  image.chain(9);
  image.fill('root', entry({ name: 'A          ' }), entry({ name: 'B          ', attributes: FOLDER, cluster: 9 }));
  image.fill(9, entry({ name: 'C          ' }), entry({ name: 'D          ' }));
  const { root } = image.open();
  const nodes = [root, ...[...root.list()].map((found) => found.node()), ...(root.lookup('b')?.list() ?? [])];
  const stats = nodes.map((found) => ('stat' in found ? found : found.node()).stat.inode);
  expect(new Set(stats).size).toBe(5);
  expect(root.lookup('b')?.stat.inode).toBe(root.lookup('B')?.stat.inode);
  expect(root.lookup('a')?.xattrs()).toEqual(new Map());
  const notFound = expect.objectContaining({ kind: 'not-found' });
  expect(() => root.lookup('a')?.list()).toThrow(notFound);
  expect(() => root.lookup('a')?.readlink()).toThrow(notFound);
  expect(() => root.lookup('b')?.open()).toThrow(notFound);
});
