import { describe, expect, test } from 'vitest';
import { parseDescriptor } from './descriptor.ts';
import { descriptor } from './testing.ts';

const parse = (text: string | Uint8Array) => parseDescriptor(typeof text === 'string' ? Buffer.from(text) : text, 0);

describe('parseDescriptor', () => {
  test.each(['\n', '\r\n', '\r'])('reads lines that end in %j', (end) => {
    const text = descriptor({ extents: ['RW 8 FLAT "a b.vmdk" 16'] })
      .toString()
      .replaceAll('\n', end);
    expect(parse(text)).toMatchObject({
      createType: 'vmfs',
      cid: '12345678',
      parent: undefined,
      adapterType: 'lsilogic',
      hardwareVersion: '21',
      extents: [{ access: 'RW', sectors: 8, type: 'FLAT', name: 'a b.vmdk', offsetSectors: 16 }],
    });
  });

  test('takes what follows a NUL for padding', () => {
    expect(parse('version=1\nCID=1\n\0\0garbage').cid).toBe('00000001');
  });

  test('takes keys in any case and with blanks about them', () => {
    expect(parse('version = 1\ncid = AbC\nCreateType = "custom"\n')).toMatchObject({
      cid: '00000abc',
      createType: 'custom',
    });
  });

  test.each([
    ['UTF-8', Buffer.from('größe.vmdk')],
    ['windows-1252', Buffer.from('gr\xf6\xdfe.vmdk', 'latin1')],
    [undefined, Buffer.from('größe.vmdk')],
    [undefined, Buffer.from('gr\xf6\xdfe.vmdk', 'latin1')],
    ['nonsense', Buffer.from('größe.vmdk')],
    ['utf-16le', Buffer.from('größe.vmdk')],
  ])('reads names in %s', (encoding, name) => {
    const line = encoding === undefined ? '' : `encoding="${encoding}"\n`;
    const text = Buffer.concat([Buffer.from(`version=1\n${line}RW 8 FLAT "`), name, Buffer.from('" 0\n')]);
    expect(parse(text)).toMatchObject({ encoding, extents: [{ name: 'größe.vmdk' }] });
  });

  test('reads names in GBK', () => {
    const name = Buffer.from('b4c5c5cc', 'hex');
    const text = Buffer.concat([Buffer.from('version=1\nencoding="GBK"\nRW 8 FLAT "'), name, Buffer.from('" 0\n')]);
    expect(parse(text).extents).toMatchObject([{ name: '磁盘' }]);
  });

  test.each([
    ['a line of no known shape', 'version=1\nhello\n'],
    ['an extent without a type', 'version=1\nRW 8\n'],
    ['an extent of a negative size', 'version=1\nRW -8 FLAT "a" 0\n'],
    ['an extent of no sectors', 'version=1\nRW 0 FLAT "a" 0\n'],
    ['an extent of 2^70 sectors', 'version=1\nRW 1180591620717411303424 FLAT "a" 0\n'],
    ['an extent of more than 64 TiB', 'version=1\nRW 137438953473 FLAT "a" 0\n'],
    ['extents of more than 64 TiB together', 'version=1\nRW 100000000000 FLAT "a" 0\nRW 100000000000 FLAT "b" 0\n'],
    ['an extent whose quotes do not close', 'version=1\nRW 8 FLAT "a 0\n'],
    ['an extent with more after its offset', 'version=1\nRW 8 FLAT "a" 0 "b"\n'],
    ['1025 extents', `version=1\n${'RW 1 ZERO\n'.repeat(1025)}`],
    ['two content ids', 'version=1\nCID=1\nCID=2\n'],
    ['two parents', 'version=1\nparentCID=1\nparentFileNameHint="a"\nparentFileNameHint="b"\n'],
    ['a content id that is no number', 'version=1\nCID=xyz\n'],
    ['a content id of 9 digits', 'version=1\nCID=123456789\n'],
    ['a parent without a name', 'version=1\nparentCID=1\n'],
    ['a name of a parent without its id', 'version=1\nparentCID=ffffffff\nparentFileNameHint="a"\n'],
  ])('refuses %s', (_, text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ name: 'DiskError', kind: 'corrupt' }));
  });

  test('says that an encrypted disk needs a key', () => {
    expect(() => parse('version=1\nencryption.keySafe = "vmware:key/list/()"\n')).toThrow(
      expect.objectContaining({ kind: 'encrypted' }),
    );
  });

  test.each(['\n', ' ', '\t', 'RW ', 'RW 1', 'encoding=', 'encoding ', '=', '"', '#', 'RW 1 FLAT "" 0 '])(
    'comes to an end with a mebibyte of %j, though it is read line by line',
    (piece) => {
      try {
        parse(`version=1\n${piece.repeat(2 ** 20 / piece.length)}`);
      } catch (error) {
        expect(error).toMatchObject({ name: 'DiskError' });
      }
    },
    // what grows with the square of the length takes minutes
    30_000,
  );
});
