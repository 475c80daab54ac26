import { createFileTree } from '@guestkit/disk';
import { describe, expect, test } from 'vitest';
import { memoryFileSystem } from '../../testing/memory-tree.ts';
import { parseMountUnit, readMountUnits } from './mount-units.ts';

const DATA = '[Unit]\nDescription=Data\n[Mount]\nWhat=LABEL=data\nWhere=/srv/data\nType=ext4\nOptions=ro,noatime\n';
const ENTRY = {
  spec: 'LABEL=data',
  mountpoint: '/srv/data',
  fstype: 'ext4',
  options: ['ro', 'noatime'],
  dump: 0,
  pass: 0,
};

describe('readMountUnits', () => {
  test('takes the units that something wants at boot', () => {
    const tree = createFileTree(
      memoryFileSystem({
        '/etc/systemd/system/srv-data.mount': DATA,
        '/etc/systemd/system/srv-other.mount': DATA.replace('data\n', 'other\n'),
        '/etc/systemd/system/local-fs.target.wants/srv-data.mount': { link: '../srv-data.mount' },
        '/usr/lib/systemd/system/dev-mqueue.mount': '[Mount]\nWhat=mqueue\nWhere=/dev/mqueue\nType=mqueue\n',
        '/usr/lib/systemd/system/sysinit.target.wants/dev-mqueue.mount': { link: '../dev-mqueue.mount' },
      }),
    );
    const { administrator, vendor } = readMountUnits(tree);
    expect(administrator).toEqual([ENTRY]);
    expect(vendor.map(({ mountpoint }) => mountpoint)).toEqual(['/dev/mqueue']);
  });
});

test.each([
  ['no What=', '[Mount]\nWhere=/srv\n'],
  ['no Where=', '[Mount]\nWhat=/dev/sda1\n'],
  ['a relative Where=', '[Mount]\nWhat=/dev/sda1\nWhere=srv\n'],
  ['settings of another section', '[Unit]\nWhat=/dev/sda1\nWhere=/srv\n'],
])('parseMountUnit takes a unit with %s for none', (_, text) => {
  expect(parseMountUnit(text)).toEqual([]);
});
