import type { VolumeLayer } from './layer.ts';
import { luksLayer } from './luks/layer.ts';

/** Every layer that can be opened. */
export const VOLUME_LAYERS: readonly VolumeLayer[] = [luksLayer];
