import type { VolumeLayer } from './layer.ts';
import { luksLayer } from './luks/layer.ts';
import { lvm2Layer } from './lvm2/layer.ts';
import { mdraidLayer } from './mdraid/layer.ts';

/** Every layer that can be opened. */
export const VOLUME_LAYERS: readonly VolumeLayer[] = [mdraidLayer, luksLayer, lvm2Layer];
