import type { Volume } from '../../disk.ts';
import { asFact } from '../../error.ts';
import type { LayerOutcome, VolumeLayer } from '../layer.ts';
import type { Unlocking } from '../unlocking.ts';
import { openLuks } from './open.ts';

export const luksLayer: VolumeLayer = {
  type: 'crypto_LUKS',
  isOfOne: true,
  assemble: (members, unlocking) => members.map((member) => decrypt(member, unlocking)),
};

function decrypt({ device, source, signature }: Volume, unlocking: Unlocking): LayerOutcome {
  try {
    const plain = openLuks(source, unlocking);
    return { device: `/dev/mapper/luks-${signature?.uuid ?? 'unknown'}`, members: [device], source: plain };
  } catch (error) {
    return { device, members: [device], error: asFact(error) };
  }
}
