import { lazy } from '../../lazy.ts';
import type { ImageFormat } from '../image.ts';
import { hasCookie } from './footer.ts';

const reader = lazy<typeof import('./open.ts')>(import.meta, './open.ts');

export const vhdFormat: ImageFormat = {
  name: 'vhd',
  detect: isVhd,
  open: (source, context) => reader().openVhd(source, context),
};

/** The footer is at the end; some writers make it a byte shorter; dynamic disks have a copy in front. */
function isVhd(head: Uint8Array, tail: Uint8Array): boolean {
  return hasCookie(head) || hasCookie(tail) || hasCookie(tail.subarray(1));
}
