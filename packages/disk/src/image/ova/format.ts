import { lazy } from '../../lazy.ts';
import type { ImageFormat } from '../image.ts';
import { isTar } from './tar.ts';

const reader = lazy<typeof import('./open.ts')>(import.meta, './open.ts');
const descriptorReader = lazy<typeof import('./open-descriptor.ts')>(import.meta, './open-descriptor.ts');

export const ovaFormat: ImageFormat = {
  name: 'ova',
  holdsDisks: true,
  detect: isTar,
  open: (source, context) => reader().openOva(source, context),
};

/** The descriptor of an archive that was unpacked, or never was one. */
export const ovfFormat: ImageFormat = {
  name: 'ovf',
  holdsDisks: true,
  detect: isDescriptor,
  open: (source, context) => descriptorReader().openOvf(source, context),
};

// after a byte order mark, a declaration and comments: the root of the document, and that it is of OVF
const ROOT = /^(?:\xef\xbb\xbf)?\s{0,64}(?:<\?xml|<!--|<(?:\w{1,32}:)?Envelope\b)/;
const NAMESPACE = /\bschemas\.dmtf\.org\/ovf\/envelope\/|\bwww\.vmware\.com\/schema\/ovf\/1\/envelope\b/;

function isDescriptor(head: Uint8Array): boolean {
  // most of what is looked at is no text at all
  if (head[0] !== 0x3c && head[0] !== 0xef && head[0] !== 0x0a && head[0] !== 0x0d && head[0] !== 0x20) return false;
  const text = Buffer.from(head.buffer, head.byteOffset, head.length).toString('latin1');
  return ROOT.test(text) && /<(?:\w{1,32}:)?Envelope\b/.test(text) && NAMESPACE.test(text);
}
