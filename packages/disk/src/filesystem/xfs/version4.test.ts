import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FileSystem } from '../file-system.ts';
import { createFileTree } from '../tree.ts';
import { hasXfsprogs, makeXfs, openImage, xfsDb } from './testing/image.ts';

// the kernel need not mount version 4 any more; mkfs.xfs still makes it, with files as a list says
describe.skipIf(!hasXfsprogs)('an XFS filesystem of version 4', () => {
  let folder: string;
  let prototype: string;
  const contents = new Map<string, Buffer>();

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-xfs-4-'));
    mkdirSync(path.join(folder, 'from'));
    prototype = path.join(folder, 'prototype');
    writeFileSync(prototype, prototypeOf(path.join(folder, 'from')));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  function prototypeOf(from: string): string {
    const lines = ['/dev/null', '0 0', 'd--755 0 0'];
    for (const size of [0, 1, 511, 4096, 100_001]) {
      const file = path.join(from, `of-${size}`);
      contents.set(`of-${size}`, randomBytes(size));
      writeFileSync(file, contents.get(`of-${size}`) as Buffer);
      lines.push(`of-${size} -u-644 1000 70000 ${file}`);
    }
    lines.push(
      `short l--777 5 6 target`,
      `long l--777 0 0 ${'t'.repeat(900)}`,
      'tty c--620 0 5 4 64',
      'fifo p--600 1 1',
    );
    for (const count of [3, 30, 100, 1200]) {
      lines.push(`folder-${count} d--750 7 8`);
      for (let index = 0; index < count; index++) lines.push(`Some-Name-${index} ---600 0 0 /dev/null`);
      lines.push('$');
    }
    return `${[...lines, '$'].join('\n')}\n`;
  }

  const SETS = [
    '-b size=512 -i size=256 -n ftype=0',
    '-b size=512 -n ftype=1,size=4096',
    '-b size=1024 -i size=512 -n ftype=0,version=ci',
    '-b size=4096 -n ftype=1',
    '-b size=4096 -i size=2048 -n ftype=0,size=16384 -l version=1',
  ];

  test.each(SETS)('shows the files it was made of, mkfs.xfs -m crc=0 %s', (args) => {
    const image = makeXfs(path.join(folder, `${Math.random()}`), {
      args: `-m crc=0 ${args} -p ${prototype}`,
    }) as string;
    const fileSystem = openImage(image);
    expect(fileSystem.warnings).toEqual([]);
    expect(fileSystem.isCaseSensitive).toBe(!args.includes('version=ci'));
    expectFiles(fileSystem);
  });

  function expectFiles(fileSystem: FileSystem): void {
    const tree = createFileTree(fileSystem);
    for (const [name, content] of contents) {
      expect(tree.stat(`/${name}`)).toMatchObject({ type: 'file', mode: 0o4644, uid: 1000, gid: 70000, links: 1 });
      expect(hashOf(tree.readFile(`/${name}`))).toBe(hashOf(content));
    }
    expect(tree.readlink('/short')).toBe('target');
    expect(tree.readlink('/long')).toBe('t'.repeat(900));
    expect(tree.stat('/tty')).toMatchObject({ type: 'character', mode: 0o620, device: { major: 4, minor: 64 } });
    expect(tree.stat('/fifo')).toMatchObject({ type: 'fifo', uid: 1, gid: 1 });
    for (const count of [3, 30, 100, 1200]) {
      const names = Array.from({ length: count }, (_, index) => `Some-Name-${index}`).sort();
      expect(tree.names(`/folder-${count}`)).toEqual(names);
      expect(tree.stat(`/folder-${count}`)).toMatchObject({ type: 'directory', mode: 0o750, uid: 7, gid: 8, links: 2 });
    }
  }

  test('that does not tell names by case finds them in any', () => {
    const args = `-m crc=0 -n version=ci -p ${prototype}`;
    const { root } = openImage(makeXfs(path.join(folder, 'case'), { args }) as string);
    const inner = root.lookup('FOLDER-1200');
    expect(inner?.stat.inode).toBe(root.lookup('folder-1200')?.stat.inode);
    expect(inner?.lookup('sOME-nAME-77')?.stat.inode).toBe(inner?.lookup('Some-Name-77')?.stat.inode);
    expect(inner?.lookup('some-name-1200')).toBeUndefined();
  });

  test.each(['-i size=256', '-i size=256 -b size=512'])('keeps attributes, mkfs.xfs %s', (args) => {
    const image = makeXfs(path.join(folder, `${Math.random()}`), {
      args: `-m crc=0 ${args} -p ${prototype}`,
    }) as string;
    const inode = openImage(image).root.lookup('of-1')?.stat.inode;
    const large = [1, 10, 300, 3000].map((size) => `attr_set -u -v ${size} of-${size}`);
    const many = Array.from({ length: 120 }, (_, index) => `attr_set -s -v 20 many-${index}`);
    xfsDb(image, `inode ${inode}`, 'attr_set -r -v 4 root', ...large, ...many);
    const xattrs = openImage(image).root.lookup('of-1')?.xattrs() ?? new Map();
    const sizes = new Map([...xattrs].map(([name, value]) => [name, value.length]));
    expect(sizes.size).toBe(125);
    expect(sizes.get('trusted.root')).toBe(4);
    expect(sizes.get('security.many-119')).toBe(20);
    for (const size of [1, 10, 300, 3000]) expect(sizes.get(`user.of-${size}`)).toBe(size);
    expect(xattrs.get('user.of-3000')?.every((byte: number) => byte === xattrs.get('user.of-10')?.[0])).toBe(true);
  });
});

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
