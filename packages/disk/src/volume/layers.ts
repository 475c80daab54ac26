import type { Volume } from '../disk.ts';
import { asFact } from '../error.ts';
import { lazy } from '../lazy.ts';
import type { LayerOutcome, OpenedMember, VolumeLayer } from './layer.ts';
import type { Unlocking } from './unlocking.ts';

const mdraid = lazy<typeof import('./mdraid/layer.ts')>(import.meta, './mdraid/layer.ts');
const luks = lazy<typeof import('./luks/layer.ts')>(import.meta, './luks/layer.ts');
const bitlocker = lazy<typeof import('./bitlocker/layer.ts')>(import.meta, './bitlocker/layer.ts');
const lvm2 = lazy<typeof import('./lvm2/layer.ts')>(import.meta, './lvm2/layer.ts');

/** Every layer that can be opened. */
export const VOLUME_LAYERS: readonly VolumeLayer[] = [
  { type: 'linux_raid_member', assemble: (members) => mdraid().assembleArrays(members) },
  ofOne('crypto_LUKS', (member, unlocking) => luks().decryptLuks(member, unlocking)),
  ofOne('BitLocker', (member, unlocking) => bitlocker().decryptBitlocker(member, unlocking)),
  { type: 'LVM2_member', assemble: (members) => lvm2().assembleGroups(members) },
];

/** A layer whose every member makes a volume by itself. */
function ofOne(type: string, open: (member: Volume, unlocking: Unlocking) => OpenedMember): VolumeLayer {
  const outcomeOf = (member: Volume, unlocking: Unlocking): LayerOutcome => {
    const members = [member.device];
    try {
      return { ...open(member, unlocking), members };
    } catch (error) {
      return { device: member.device, members, error: asFact(error) };
    }
  };
  return { type, isOfOne: true, assemble: (members, unlocking) => members.map((each) => outcomeOf(each, unlocking)) };
}
