import { describe, expect, test } from 'vitest';
import { memoryDisk } from '../testing/memory-disk.ts';
import { parseDiskDevice, resolveSpec } from './mount-spec.ts';

const { volumes } = memoryDisk([
  { type: 'vfat', uuid: 'ABCD-1234', label: 'EFI', partition: { uuid: 'aa-1', name: 'EFI System' } },
  { uuid: '0a1b-2c3d', label: 'my disk', partition: { uuid: 'aa-2', name: 'root' } },
  { partition: { number: 5, uuid: 'aa-5' } },
]);

function deviceOf(spec: string, ownDisk?: string): string {
  const resolution = resolveSpec(spec, volumes, { ownDisk });
  return 'volume' in resolution ? resolution.volume.device : resolution.reason;
}

describe('resolveSpec', () => {
  test.each([
    ['UUID=0a1b-2c3d', '/dev/sda2'],
    ['UUID=0A1B-2C3D', '/dev/sda2'],
    ['UUID=abcd-1234', '/dev/sda1'],
    ['LABEL=my disk', '/dev/sda2'],
    ['PARTUUID=AA-5', '/dev/sda3'],
    ['PARTLABEL=root', '/dev/sda2'],
    ['/dev/disk/by-uuid/ABCD-1234', '/dev/sda1'],
    ['/dev/disk/by-label/my\\x20disk', '/dev/sda2'],
    ['/dev/disk/by-partuuid/aa-5', '/dev/sda3'],
    ['/dev/disk/by-partlabel/root', '/dev/sda2'],
    ['/dev/sda2', '/dev/sda2'],
    ['/dev/vda1', '/dev/sda1'],
    ['/dev/xvda5', '/dev/sda3'],
    ['/dev/nvme0n1p2', '/dev/sda2'],
    ['/dev/mmcblk0p1', '/dev/sda1'],
  ])('finds %s', (spec, device) => {
    expect(deviceOf(spec)).toBe(device);
  });

  test.each([
    ['UUID=ffff', "No volume of this image has the UUID 'ffff'"],
    ['LABEL=MY DISK', "No volume of this image has the LABEL 'MY DISK'"],
    ['ID=x', "The tag 'ID' is not supported"],
    ['/dev/sdb1', "'/dev/sdb1' is on a disk that is not in this image"],
    ['/dev/sda9', "This image has no partition '/dev/sda9'"],
    ['/dev/mapper/vg-root', "'/dev/mapper/vg-root' names no volume of this image"],
    ['tmpfs', "'tmpfs' names no volume of this image"],
  ])('says why there is no %s', (spec, reason) => {
    expect(deviceOf(spec)).toBe(reason);
  });

  test('goes by what the guest calls this disk', () => {
    expect(deviceOf('/dev/sdb2', '/dev/sdb')).toBe('/dev/sda2');
    expect(deviceOf('/dev/sda2', '/dev/sdb')).toBe("'/dev/sda2' is on a disk that is not in this image");
  });
});

test.each([
  ['/dev/sda', { disk: '/dev/sda', partition: undefined }],
  ['/dev/sdaa12', { disk: '/dev/sdaa', partition: 12 }],
  ['/dev/nvme0n1', { disk: '/dev/nvme0n1', partition: undefined }],
  ['/dev/nvme10n2p3', { disk: '/dev/nvme10n2', partition: 3 }],
  ['/dev/md0', undefined],
  ['sda1', undefined],
])('parseDiskDevice(%j)', (spec, expected) => {
  expect(parseDiskDevice(spec)).toEqual(expected);
});
