import { lazy } from '../../lazy.ts';
import { LUKS_MAGIC } from '../../volume/luks/layout.ts';
import type { ImageFormat } from '../image.ts';

const reader = lazy<typeof import('./open.ts')>(import.meta, './open.ts');

/** A whole disk that is encrypted, as qemu knows it too: the disk is what lies within. */
export const luksFormat: ImageFormat = {
  name: 'luks',
  detect: isLuks,
  open: (source, context) => reader().openLuksImage(source, context),
};

function isLuks(head: Uint8Array): boolean {
  return head.length >= 6 && head.subarray(0, 6).toHex() === LUKS_MAGIC;
}
