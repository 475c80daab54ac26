import { lazy } from '../lazy.ts';
import type { VolumeLayer } from './layer.ts';

const mdraid = lazy<typeof import('./mdraid/layer.ts')>(import.meta, './mdraid/layer.ts');
const luks = lazy<typeof import('./luks/layer.ts')>(import.meta, './luks/layer.ts');
const bitlocker = lazy<typeof import('./bitlocker/layer.ts')>(import.meta, './bitlocker/layer.ts');
const lvm2 = lazy<typeof import('./lvm2/layer.ts')>(import.meta, './lvm2/layer.ts');

/** Every layer that can be opened. */
export const VOLUME_LAYERS: readonly VolumeLayer[] = [
  { type: 'linux_raid_member', assemble: (members, options) => mdraid().mdraidLayer.assemble(members, options) },
  { type: 'crypto_LUKS', isOfOne: true, assemble: (members, options) => luks().luksLayer.assemble(members, options) },
  {
    type: 'BitLocker',
    isOfOne: true,
    assemble: (members, options) => bitlocker().bitlockerLayer.assemble(members, options),
  },
  { type: 'LVM2_member', assemble: (members, options) => lvm2().lvm2Layer.assemble(members, options) },
];
