import { lazy } from '../../lazy.ts';
import type { ImageFormat } from '../image.ts';
import { BUNDLE_ROOT, MAGIC_SIZE, PARALLELS_MAGICS } from './layout.ts';

const reader = lazy<typeof import('./open.ts')>(import.meta, './open.ts');

export const parallelsFormat: ImageFormat = {
  name: 'parallels',
  detect: isParallels,
  open: (source) => reader().openParallels(source),
};

function isParallels(head: Uint8Array): boolean {
  return findMagic(head) !== undefined || isBundle(head);
}

/** The magic that a file starts with, when it is one of Parallels. */
export function findMagic(head: Uint8Array): string | undefined {
  const text = Buffer.from(head.subarray(0, MAGIC_SIZE)).toString('latin1');
  return PARALLELS_MAGICS.has(text) ? text : undefined;
}

/** DiskDescriptor.xml, the list of the images that a bundle (.hdd) is made of. */
export function isBundle(head: Uint8Array): boolean {
  const text = Buffer.from(head.subarray(0, 1024)).toString('latin1').trimStart();
  return text.startsWith('<?xml') && text.includes(BUNDLE_ROOT);
}
