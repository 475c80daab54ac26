import { expect, test } from 'vitest';
import { parseFstab } from './fstab.ts';

test('parseFstab reads the six fields', () => {
  expect(parseFstab('UUID=0a1b /boot ext4 ro,noatime 1 2\n')).toEqual([
    { spec: 'UUID=0a1b', mountpoint: '/boot', fstype: 'ext4', options: ['ro', 'noatime'], dump: 1, pass: 2 },
  ]);
});

test.each([
  ['octal escapes', 'LABEL=my\\040disk /mnt/a\\011b ext4', { spec: 'LABEL=my disk', mountpoint: '/mnt/a\tb' }],
  ['an escaped backslash', '/dev/sda1 /a\\134040 ext4', { mountpoint: '/a\\040' }],
  ['double quotes', 'UUID="0a1b" / ext4', { spec: 'UUID=0a1b' }],
  ['single quotes', "PARTLABEL='root' / ext4", { spec: 'PARTLABEL=root' }],
  ['tabs and many blanks', '/dev/sda1\t \t/x   ext2', { spec: '/dev/sda1', mountpoint: '/x', fstype: 'ext2' }],
  ['defaults of absent fields', '/dev/sda1 /x', { fstype: 'auto', options: ['defaults'], dump: 0, pass: 0 }],
  ['numbers that are none', '/dev/sda1 /x ext4 rw yes -1', { dump: 0, pass: 0 }],
])('parseFstab reads %s', (_, line, expected) => {
  expect(parseFstab(line)).toMatchObject([expected]);
});

test('parseFstab passes over comments, blank and short lines', () => {
  expect(parseFstab('# a b c\n\n   \n/dev/sda1\n  # x y\n')).toEqual([]);
});
