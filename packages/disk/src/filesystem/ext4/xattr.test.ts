import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withMounted } from '../../../../../test/support/loop-mount.ts';
import { hasE2fsprogs, makeExt, openImage } from './testing/image.ts';

describe.skipIf(!hasE2fsprogs)('xattrs', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-xattr-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  const textOf = (xattrs: ReadonlyMap<string, Uint8Array> | undefined) =>
    Object.fromEntries([...(xattrs ?? [])].map(([name, value]) => [name, Buffer.from(value).toString()]));

  test.each(['-t ext4 -I 256', '-t ext4 -I 128', '-t ext2 -I 128'])(
    'are read from inodes and blocks, mke2fs %s',
    (args) => {
      const long = 'v'.repeat(300);
      const commands = [
        'write /dev/null file',
        'ea_set file user.short value',
        `ea_set file user.long ${long}`,
        'ea_set file security.selinux system_u:object_r:etc_t:s0',
        'ea_set file trusted.empty ""',
      ];
      const image = makeExt(path.join(folder, `${Math.random()}`), { args, sizeBytes: 4 * 1024 * 1024, commands });
      expect(textOf(openImage(image).root.lookup('file')?.xattrs())).toEqual({
        'user.short': 'value',
        'user.long': long,
        'security.selinux': 'system_u:object_r:etc_t:s0',
        'trusted.empty': '',
      });
      expect(textOf(openImage(image).root.xattrs())).toEqual({});
    },
  );

  test('too large for a block are read from inodes of their own', (context) => {
    const image = makeExt(path.join(folder, 'large'), {
      args: '-t ext4 -b 1024 -O ea_inode',
      sizeBytes: 4 * 1024 * 1024,
    });
    const value = 'large '.repeat(2000);
    const wrote = withMounted(image, 'rw,user_xattr', (target) => {
      writeFileSync(path.join(target, 'file'), '');
      execFileSync('setfattr', ['-n', 'user.large', '-v', value, path.join(target, 'file')]);
      return true;
    });
    if (wrote === undefined) return context.skip('no images can be mounted here');
    expect(textOf(openImage(image).root.lookup('file')?.xattrs())).toEqual({ 'user.large': value });
  });
});
