import { lazy } from '../../lazy.ts';
import type { ImageFormat } from '../image.ts';
import { MAGIC } from './layout.ts';

const reader = lazy<typeof import('./open.ts')>(import.meta, './open.ts');

export const vmdkFormat: ImageFormat = {
  name: 'vmdk',
  detect: isVmdk,
  open: (source, context) => reader().openVmdk(source, context),
};

function isVmdk(head: Uint8Array): boolean {
  return extentKind(head) !== undefined || isDescriptor(head);
}

/** Which kind of sparse extent starts so. */
export function extentKind(head: Uint8Array): keyof typeof MAGIC | undefined {
  if (head.length < 8) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const magic = view.getUint32(0, true);
  if (magic === MAGIC.hosted) return 'hosted';
  if (magic === MAGIC.cowd) return 'cowd';
  return magic === MAGIC.seSparse && view.getUint32(4, true) === 0 ? 'seSparse' : undefined;
}

// like qemu: comments and empty lines, then a line that gives the version
function isDescriptor(head: Uint8Array): boolean {
  const lines = new TextDecoder('latin1').decode(head.subarray(0, 2048)).split('\n');
  if (/^# *disk descriptorfile/i.test(lines[0] ?? '')) return true;
  const first = lines.find((line) => !/^\s*(#.*)?$/.test(line));
  return first !== undefined && /^\s*version\s*=\s*[1-9]\s*$/i.test(first);
}
