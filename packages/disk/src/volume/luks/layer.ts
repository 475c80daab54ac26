import type { Volume } from '../../disk.ts';
import { asFact } from '../../error.ts';
import type { LayerOptions, LayerOutcome, VolumeLayer } from '../layer.ts';
import { openLuks } from './open.ts';

export const luksLayer: VolumeLayer = {
  type: 'crypto_LUKS',
  assemble: (members, options) => members.map((member) => decrypt(member, options)),
};

function decrypt({ device, source, signature }: Volume, { passphrases }: LayerOptions): LayerOutcome {
  try {
    const plain = openLuks(source, passphrases);
    return { device: `/dev/mapper/luks-${signature?.uuid ?? 'unknown'}`, members: [device], source: plain };
  } catch (error) {
    return { device, members: [device], error: asFact(error) };
  }
}
