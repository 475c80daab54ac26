import { lazy } from '../../lazy.ts';
import type { ImageFormat } from '../image.ts';
import { isTar } from './tar.ts';

const reader = lazy<typeof import('./open.ts')>(import.meta, './open.ts');

export const ovaFormat: ImageFormat = {
  name: 'ova',
  holdsDisks: true,
  detect: isTar,
  open: (source, context) => reader().openOva(source, context),
};
