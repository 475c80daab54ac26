import type { ByteSource } from '../../source/byte-source.ts';
import { refineExfat } from './exfat.ts';
import { refineExt } from './ext.ts';
import { refineFat } from './fat.ts';
import { magic, type Refinement, type SignatureFormat } from './format.ts';
import { refineHfs, refineHfsplus } from './hfs.ts';
import { refineIso9660 } from './iso9660.ts';
import { findLinuxRaid } from './linux-raid.ts';
import { refineLuks } from './luks.ts';
import { refineLvm2 } from './lvm2.ts';
import { refineNtfs } from './ntfs.ts';
import { refineOcfs2, refineSquashfs, refineUfs } from './small.ts';
import { HIBERNATION_MAGICS, refineHibernation, refineSwap, SWAP_MAGICS } from './swap.ts';
import { findUdf } from './udf.ts';
import { findZfs } from './zfs.ts';

/** A kind of volume that has no magic at a fixed place. */
export interface SignatureSearch {
  readonly type: string;
  readonly find: (volume: ByteSource) => Refinement | undefined;
}

// blkid's names, and its order where two could match: what holds other volumes comes before filesystems
export const SIGNATURE_FORMATS: readonly (SignatureFormat | SignatureSearch)[] = [
  { type: 'linux_raid_member', find: findLinuxRaid },
  { type: 'LVM2_member', magics: [0, 512, 1024, 1536].map((at) => magic('LABELONE', at)), refine: refineLvm2 },
  { type: 'crypto_LUKS', magics: [magic('LUKS\xba\xbe')], refine: refineLuks },
  { type: 'BitLocker', magics: [magic('-FVE-FS-', 3), magic('\x3b\xd6\x67\x49\x29\x2e\xd8\x4a', 0x1a8)] },
  {
    type: 'bcache',
    magics: [magic('\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81', 4120)],
    uuid: { at: 4136 },
  },
  { type: 'ceph_bluestore', magics: [magic('bluestore block device')] },
  { type: 'vdo', magics: [magic('dmvdo001')], uuid: { at: 32 } },
  { type: 'DM_snapshot_cow', magics: [magic('SnAp')] },
  { type: 'DM_verity_hash', magics: [magic('verity\0\0')], uuid: { at: 16 } },
  { type: 'DM_integrity', magics: [magic('integrt\0')] },
  { type: 'stratis', magics: [magic('!Stra0tis\x86\xff\x02^\x41rh', 516)] },
  { type: 'swsuspend', magics: HIBERNATION_MAGICS, refine: refineHibernation },
  { type: 'swap', magics: SWAP_MAGICS, refine: refineSwap },
  { type: 'ntfs', magics: [magic('NTFS    ', 3)], uuid: { at: 72, form: 'serial64' }, refine: refineNtfs },
  { type: 'ReFS', magics: [magic('\0\0\0ReFS\0')] },
  { type: 'exfat', magics: [magic('EXFAT   ', 3)], uuid: { at: 100, form: 'serial32' }, refine: refineExfat },
  { type: 'xfs', magics: [magic('XFSB')], uuid: { at: 32 }, label: { at: 108, length: 12 } },
  {
    type: 'ext4',
    magics: [magic('\x53\xef', 1080)],
    uuid: { at: 1128 },
    label: { at: 1144, length: 16 },
    refine: refineExt,
  },
  {
    type: 'reiserfs',
    magics: [magic('ReIsErFs', 8244), magic('ReIsErFs', 65588), magic('ReIsEr2Fs', 65588), magic('ReIsEr3Fs', 65588)],
    uuid: { at: 65620 },
    label: { at: 65636, length: 16 },
  },
  { type: 'reiser4', magics: [magic('ReIsEr4', 65536)], uuid: { at: 65556 }, label: { at: 65572, length: 16 } },
  { type: 'jfs', magics: [magic('JFS1', 32768)], uuid: { at: 32904 }, label: { at: 32920, length: 16 } },
  // before ISO 9660: a bridge disc is both
  { type: 'udf', find: findUdf },
  { type: 'iso9660', magics: [magic('CD001', 32769)], refine: refineIso9660 },
  { type: 'hfsplus', magics: [magic('H+', 1024), magic('HX', 1024)], refine: refineHfsplus },
  { type: 'hfs', magics: [magic('BD', 1024)], refine: refineHfs },
  { type: 'ufs', find: refineUfs },
  { type: 'ocfs2', magics: [1024, 2048, 4096, 8192].map((at) => magic('OCFSV2', at)), refine: refineOcfs2 },
  { type: 'gfs2', magics: [magic('\x01\x16\x19\x70', 65536)] },
  { type: 'squashfs', magics: [magic('hsqs'), magic('sqsh')], refine: refineSquashfs },
  { type: 'btrfs', magics: [magic('_BHRfS_M', 65600)], uuid: { at: 65568 }, label: { at: 65835, length: 256 } },
  { type: 'nilfs2', magics: [magic('\x34\x34', 1030)], uuid: { at: 1176 }, label: { at: 1192, length: 80 } },
  {
    type: 'f2fs',
    magics: [magic('\x10\x20\xf5\xf2', 1024)],
    uuid: { at: 1132 },
    label: { at: 1148, length: 1024, encoding: 'utf-16le' },
  },
  {
    type: 'bcachefs',
    magics: [magic('\xc6\x85\x73\xf6\x66\xce\x90\xa9\xd9\x6a\x60\xcf\x80\x3d\xf7\xef', 4120)],
    uuid: { at: 4152 },
    label: { at: 4168, length: 32 },
  },
  { type: 'apfs', magics: [magic('NXSB', 32)], uuid: { at: 72 } },
  { type: 'erofs', magics: [magic('\xe2\xe1\xf5\xe0', 1024)], uuid: { at: 1072 }, label: { at: 1088, length: 16 } },
  { type: 'cramfs', magics: [magic('\x45\x3d\xcd\x28'), magic('\x28\xcd\x3d\x45')], label: { at: 48, length: 16 } },
  { type: 'romfs', magics: [magic('-rom1fs-')], label: { at: 16, length: 16 } },
  {
    type: 'vfat',
    magics: [
      magic('MSWIN', 0x52),
      magic('FAT32   ', 0x52),
      magic('MSDOS', 0x36),
      magic('FAT16   ', 0x36),
      magic('FAT12   ', 0x36),
      magic('FAT     ', 0x36),
      magic('\xeb'),
      magic('\xe9'),
      magic('\x55\xaa', 510),
    ],
    refine: refineFat,
  },
  // its uberblocks are 128 KiB to look through
  { type: 'zfs_member', find: findZfs },
];
