import { lazy } from '../../lazy.ts';
import type { ImageFormat } from '../image.ts';
import { VDI_SIGNATURE, VDI_SIGNATURE_OFFSET } from './layout.ts';

const reader = lazy<typeof import('./open.ts')>(import.meta, './open.ts');

export const vdiFormat: ImageFormat = {
  name: 'vdi',
  detect: isVdi,
  open: (source, context) => reader().openVdi(source, context),
};

function isVdi(head: Uint8Array): boolean {
  if (head.length < VDI_SIGNATURE_OFFSET + 4) return false;
  return new DataView(head.buffer, head.byteOffset).getUint32(VDI_SIGNATURE_OFFSET, true) === VDI_SIGNATURE;
}
