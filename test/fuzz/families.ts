import { BITLOCKER } from './families/bitlocker.ts';
import { PARALLELS, QCOW2, VDI, VHD, VHDX, VMDK } from './families/containers.ts';
import { EROFS } from './families/erofs.ts';
import { BTRFS, EXFAT, EXT4, FAT, NTFS, SQUASHFS } from './families/filesystems.ts';
import { ISO9660 } from './families/iso9660.ts';
import { LUKS, LVM2, MDRAID } from './families/layers.ts';
import { OVA } from './families/ova.ts';
import { PARTITIONS } from './families/partitions.ts';
import { XFS } from './families/xfs.ts';
import type { Family } from './family.ts';

/** All that is fuzzed: a format more is a line more. */
export const FAMILIES: readonly Family[] = [
  QCOW2,
  VMDK,
  VHD,
  VHDX,
  VDI,
  PARALLELS,
  OVA,
  PARTITIONS,
  LVM2,
  MDRAID,
  LUKS,
  BITLOCKER,
  EXT4,
  BTRFS,
  NTFS,
  FAT,
  EXFAT,
  XFS,
  SQUASHFS,
  ISO9660,
  EROFS,
];

export function familyNamed(name: string): Family {
  const family = FAMILIES.find((candidate) => candidate.name === name);
  if (family !== undefined) return family;
  const known = FAMILIES.map((candidate) => candidate.name).join(', ');
  throw new RangeError(`Cannot fuzz "${name}": it is no family, expected one of ${known}`);
}
