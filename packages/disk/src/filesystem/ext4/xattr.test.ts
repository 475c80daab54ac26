import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withMounted } from '../../../../../test/support/loop-mount.ts';
import { differences } from '../../../../../test/support/tree-differences.ts';
import { listFolder, listTree } from '../../../../../test/support/tree-listing.ts';
import { createFileTree } from '../tree.ts';
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

  test.each(['-t ext4 -b 1024', '-t ext2 -b 1024 -I 128', '-t ext4 -b 1024 -O ea_inode,inline_data -I 512'])(
    'are those that the kernel shows, mke2fs %s',
    (args) => {
      const image = makeExt(path.join(folder, `${Math.random()}`), { args, sizeBytes: 8 * 1024 * 1024 });
      const shown = withMounted(image, 'rw,acl,user_xattr', (target) => {
        const at = (name: string) => path.join(target, name);
        mkdirSync(at('folder'));
        for (const name of ['plain', 'capable', 'listed', 'many']) writeFileSync(at(name), name);
        const set = (name: string, key: string, value: string) =>
          execFileSync('setfattr', ['-n', key, '-v', value, at(name)]);
        set('capable', 'security.capability', '0x0100000200040000000000000000000000000000');
        set('capable', 'security.selinux', 'system_u:object_r:bin_t:s0');
        set('capable', 'trusted.overlay.opaque', 'y');
        for (let index = 0; index < 12; index++) set('many', `user.key-${index}`, 'v'.repeat(index * 5));
        execFileSync('setfacl', ['-m', 'u:1000:rw,g:70000:r,u:0:rwx', at('listed')]);
        execFileSync('setfacl', ['-d', '-m', 'u:1000:rwx', at('folder')]);
        return listFolder(target);
      });
      if (shown === undefined) return console.log('not compared: no images can be mounted here');
      const files = listTree(createFileTree(openImage(image)));
      expect(differences(files, shown)).toEqual([]);
      expect(Object.keys(files.find((file) => file.path === '/listed')?.xattrs ?? {})).toEqual([
        'system.posix_acl_access',
      ]);
    },
  );
});
