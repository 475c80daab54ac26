import { lazy } from '../../lazy.ts';
import type { ImageFormat } from '../image.ts';
import { QCOW2_MAGIC } from './layout.ts';

const reader = lazy<typeof import('./open.ts')>(import.meta, './open.ts');

export const qcow2Format: ImageFormat = {
  name: 'qcow2',
  holdsSnapshots: true,
  detect: isQcow2,
  open: (source, context) => reader().openQcow2(source, context),
};

function isQcow2(head: Uint8Array): boolean {
  return head.length >= 4 && new DataView(head.buffer, head.byteOffset).getUint32(0) === QCOW2_MAGIC;
}
