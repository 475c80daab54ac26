import type { Volume } from '../../disk.ts';
import { asFact } from '../../error.ts';
import type { LayerOutcome, VolumeLayer } from '../layer.ts';
import type { Unlocking } from '../unlocking.ts';
import { openBitlocker } from './open.ts';

export const bitlockerLayer: VolumeLayer = {
  type: 'BitLocker',
  isOfOne: true,
  assemble: (members, unlocking) => members.map((member) => decrypt(member, unlocking)),
};

function decrypt({ device, source }: Volume, unlocking: Unlocking): LayerOutcome {
  try {
    const { guid, plain } = openBitlocker(source, unlocking);
    return { device: `/dev/mapper/bitlk-${guid}`, members: [device], source: plain };
  } catch (error) {
    return { device, members: [device], error: asFact(error) };
  }
}
