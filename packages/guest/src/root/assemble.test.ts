import { describe, expect, test } from 'vitest';
import { type MemoryVolume, memoryDisk } from '../testing/memory-disk.ts';
import type { MemoryFiles } from '../testing/memory-tree.ts';
import { assembleRoot } from './assemble.ts';

const ROOT: MemoryFiles = {
  '/etc/os-release': 'ID=debian\n',
  '/usr/bin/sh': 'x',
  '/etc/passwd': '',
  '/boot': { directory: true },
  '/usr': { directory: true },
};
const ESP = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B';

function assembled(fstab: string, others: readonly MemoryVolume[], root: MemoryFiles = ROOT) {
  const [guest] = assembleRoot(memoryDisk([{ files: { ...root, '/etc/fstab': fstab }, uuid: 'r' }, ...others]));
  if (!guest) throw new Error('Cannot assemble: no root found');
  return { ...guest, paths: guest.mounts.map(({ path, device }) => `${path} ${device}`) };
}

describe('assembleRoot', () => {
  test('puts the filesystems of fstab in their places', () => {
    const guest = assembled('UUID=r / ext4\nLABEL=usr /usr ext4\nPARTUUID=p4 /usr/local ext4\n/dev/sda3 /var ext4\n', [
      { files: { '/bin/ls': 'x' }, label: 'usr' },
      { files: { '/lib/dpkg/status': 'Package: a\n' } },
      { files: { '/bin/tool': 'x' }, partition: { uuid: 'p4' } },
    ]);
    expect(guest.paths).toEqual(['/ /dev/sda1', '/usr /dev/sda2', '/var /dev/sda3', '/usr/local /dev/sda4']);
    expect(guest.tree.readText('/var/lib/dpkg/status')).toBe('Package: a\n');
    expect(guest.tree.exists('/usr/local/bin/tool')).toBe(true);
    expect(guest.warnings).toEqual([]);
  });

  test('mounts a folder before what lies below it, whatever the order of lines', () => {
    const guest = assembled('LABEL=efi /boot/efi vfat\nLABEL=boot /boot ext4\n', [
      { files: { '/efi': { directory: true }, '/vmlinuz': 'x' }, label: 'boot' },
      { files: { '/EFI/x': '' }, label: 'efi', type: 'vfat' },
    ]);
    expect(guest.paths.slice(1)).toEqual(['/boot /dev/sda2', '/boot/efi /dev/sda3']);
    expect(guest.tree.exists('/boot/efi/EFI/x') && guest.tree.exists('/boot/vmlinuz')).toBe(true);
  });

  test('finds a root whose /usr is on another volume, and identifies it there', () => {
    const root: MemoryFiles = {
      '/etc/os-release': { link: '../usr/lib/os-release' },
      '/bin': { link: 'usr/bin' },
      '/usr': { directory: true },
    };
    const guest = assembled(
      'LABEL=usr /usr ext4',
      [{ files: { '/lib/os-release': 'ID=fedora\n' }, label: 'usr' }],
      root,
    );
    expect(guest.tree.readText('/etc/os-release')).toBe('ID=fedora\n');
  });

  test('follows links on the way to a mount point', () => {
    const guest = assembled('LABEL=home /home ext4', [{ files: { '/ada/x': '' }, label: 'home' }], {
      ...ROOT,
      '/home': { link: 'var/home' },
      '/var/home': { directory: true },
    });
    expect(guest.paths[1]).toBe('/var/home /dev/sda2');
    expect(guest.tree.exists('/home/ada/x')).toBe(true);
  });

  test.each([
    [
      'a volume that is not here',
      'UUID=gone /srv ext4',
      "Cannot mount '/srv': No volume of this image has the UUID 'gone'",
    ],
    [
      'a volume that cannot be read',
      'LABEL=odd /srv btrfs',
      "Cannot mount '/srv': Cannot open: btrfs cannot be read yet",
    ],
    [
      'a volume of nothing known',
      '/dev/sda3 /srv ext4',
      "Cannot mount '/srv': '/dev/sda3' holds nothing, which cannot be read",
    ],
    ['a network filesystem', 'server:/x /srv nfs4', "Cannot mount '/srv': nfs4 is on the network, not in this image"],
    ['a bind mount', '/home /srv none rw,bind', undefined],
    ['swap and kernel interfaces', 'UUID=x none swap\nproc /proc proc\ntmpfs /tmp tmpfs\n', undefined],
  ])('says why it leaves out %s', (_, fstab, warning) => {
    const guest = assembled(fstab, [
      { label: 'odd', type: 'btrfs', error: 'Cannot open: btrfs cannot be read yet' },
      { type: 'nothing' },
    ]);
    expect(guest.mounts).toHaveLength(1);
    expect(guest.warnings).toEqual(warning === undefined ? [] : [warning]);
  });

  test('believes the line of / about what the guest calls this disk', () => {
    const guest = assembled('/dev/sdb1 / ext4\n/dev/sdb2 /var ext4\n/dev/sda2 /srv ext4\n', [
      { files: { '/log': { directory: true } } },
    ]);
    expect(guest.paths).toEqual(['/ /dev/sda1', '/var /dev/sda2']);
    expect(guest.warnings).toEqual(["Cannot mount '/srv': '/dev/sda2' is on a disk that is not in this image"]);
  });

  test('knows volumes by the names of a running guest: logical, encrypted, arrays', () => {
    const guest = assembled(
      '/dev/mapper/my--vg-home /home ext4\n/dev/mapper/secret /srv ext4\n/dev/md/data /var ext4\n',
      [
        { device: '/dev/my-vg/home', files: { '/ada': '' } },
        { type: 'crypto_LUKS', uuid: 'locked' },
        { device: '/dev/mapper/luks-locked', members: ['/dev/sda3'], files: { '/x': '' } },
        { device: '/dev/md127', files: { '/log/x': '' } },
      ],
      { ...ROOT, '/etc/crypttab': '# name device key\nsecret UUID="locked" none luks\n' },
    );
    expect(guest.warnings).toEqual([]);
    expect(guest.paths.slice(1)).toEqual(['/home /dev/my-vg/home', '/srv /dev/mapper/luks-locked', '/var /dev/md127']);
  });

  test('mounts what wanted units ask for: of the distribution below fstab, of the administrator above it', () => {
    const unit = (what: string, where: string) => `[Mount]\nWhat=LABEL=${what}\nWhere=${where}\nType=ext4\n`;
    const guest = assembled(
      'LABEL=one /srv ext4\nLABEL=one /opt ext4\n',
      [
        { files: { '/one': '' }, label: 'one' },
        { files: { '/two': '' }, label: 'two' },
      ],
      {
        ...ROOT,
        '/etc/systemd/system/srv.mount': unit('two', '/srv'),
        '/usr/lib/systemd/system/opt.mount': unit('two', '/opt'),
        '/etc/systemd/system/local-fs.target.wants/srv.mount': { link: '../srv.mount' },
        '/etc/systemd/system/local-fs.target.wants/opt.mount': { link: '/usr/lib/systemd/system/opt.mount' },
      },
    );
    expect(guest.tree.exists('/srv/two') && guest.tree.exists('/opt/one')).toBe(true);
  });

  test('tells which volume each line of fstab names', () => {
    const { fstab } = assembled('UUID=r / ext4\nUUID=s none swap\nproc /proc proc\n', [{ type: 'swap', uuid: 's' }]);
    expect(fstab.map(({ mountpoint, device }) => [mountpoint, device])).toEqual([
      ['/', '/dev/sda1'],
      ['none', '/dev/sda2'],
      ['/proc', null],
    ]);
  });

  test('mounts discoverable partitions where fstab is silent', () => {
    const guest = assembled('', [
      { files: { '/EFI/x': '' }, type: 'vfat', partition: { type: ESP } },
      {
        files: { '/vmlinuz': 'x', '/efi': { directory: true } },
        partition: { type: 'BC13C2FF-59E6-4262-A352-B275FD6F7172' },
      },
      { files: { '/ada': '' }, partition: { type: '933AC7E1-2EB4-4F13-B844-0E14E2AEF915' } },
      {
        files: { '/hidden': '' },
        partition: { type: '3B8F8425-20E0-4F3B-907F-1A25A76F98E8', attributes: '0x8000000000000000' },
      },
    ]);
    expect(guest.paths).toEqual(['/ /dev/sda1', '/boot /dev/sda3', '/home /dev/sda4', '/boot/efi /dev/sda2']);
  });

  test('leaves a discoverable partition alone whose place fstab gives to another', () => {
    const guest = assembled('UUID=gone /home ext4', [
      { files: { '/ada': '' }, partition: { type: '933AC7E1-2EB4-4F13-B844-0E14E2AEF915' } },
    ]);
    expect(guest.paths).toEqual(['/ /dev/sda1']);
  });

  test('finds several guests, the one with most to show first', () => {
    const disk = memoryDisk([
      { files: { '/data/x': '' } },
      { files: { '/etc/passwd': '', '/bin/sh': 'x' } },
      { files: { ...ROOT, '/sbin/init': 'x', '/etc/fstab': '' } },
    ]);
    expect(assembleRoot(disk).map(({ device }) => device)).toEqual(['/dev/sda3', '/dev/sda2']);
  });

  test.each<[string, MemoryFiles]>([
    ['a /boot', { '/grub/grub.cfg': '', '/vmlinuz-6.1': 'x' }],
    ['an ESP', { '/EFI/BOOT/BOOTX64.EFI': 'x' }],
    ['a /usr', { '/bin/sh': 'x', '/lib/os-release': 'ID=debian\n', '/share/doc/x': '' }],
    ['a /home', { '/ada/.profile': '' }],
    ['a copy of /etc', { '/etc/passwd': '', '/etc/fstab': '' }],
    ['nothing', {}],
  ])('takes %s for no guest', (_, files) => {
    expect(assembleRoot(memoryDisk([{ files }]))).toEqual([]);
  });

  test('mounts a bounded number of the lines of a hostile fstab', () => {
    const line = (n: number) => `/dev/sda2 /a${n} ext4\n`;
    const guest = assembled(Array.from({ length: 50_000 }, (_, n) => line(n)).join(''), [{ files: { '/x': '' } }]);
    expect(guest.mounts.length).toBe(128);
  });
});
