import { lazy } from '../../lazy.ts';
import type { ImageFormat } from '../image.ts';
import { FILE_SIGNATURE } from './layout.ts';
import { hasSignature } from './signature.ts';

const reader = lazy<typeof import('./open.ts')>(import.meta, './open.ts');

export const vhdxFormat: ImageFormat = {
  name: 'vhdx',
  detect: isVhdx,
  open: (source, context) => reader().openVhdx(source, context),
};

function isVhdx(head: Uint8Array): boolean {
  return hasSignature(head, FILE_SIGNATURE);
}
