import type { ByteSource } from '@guestkit/disk';

// The x86 boot protocol (kernel Documentation/arch/x86/boot): real-mode header of a bzImage, little-endian
const HEADER_END = 0x210;
const HDRS_MAGIC = 0x202;
const KERNEL_VERSION = 0x20e;
// kernel_version counts from the end of the first sector
const KERNEL_VERSION_BASE = 0x200;
const MAX_VERSION_LENGTH = 128;

/** The release that a kernel image names in its header, as `uname -r` would; `undefined` when it is no bzImage. */
export function bzImageVersion(image: ByteSource): string | undefined {
  if (image.sizeBytes < HEADER_END) return undefined;
  const head = image.read(0, HEADER_END);
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  if (new TextDecoder().decode(head.subarray(HDRS_MAGIC, HDRS_MAGIC + 4)) !== 'HdrS') return undefined;
  const pointer = view.getUint16(KERNEL_VERSION, true);
  const offset = pointer + KERNEL_VERSION_BASE;
  if (pointer === 0 || offset + MAX_VERSION_LENGTH > image.sizeBytes) return undefined;
  const text = new TextDecoder('latin1').decode(image.read(offset, MAX_VERSION_LENGTH));
  return /^[^\s\0]+/.exec(text)?.[0];
}
