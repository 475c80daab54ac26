// Reads the whole disk of an image in order, as a process of its own: `read.ts IMAGE`.
import { denyReferences, FileSource, openImage, readInto } from '@guestkit/disk/image';

const PIECE_BYTES = 2 * 2 ** 20;

using source = FileSource.open(process.argv[2] ?? '');
const image = openImage(source, { references: denyReferences });
// one buffer for all, as qemu-img has
const buffer = new Uint8Array(PIECE_BYTES);
for (let at = 0; at < image.sizeBytes; at += PIECE_BYTES) {
  readInto(image, at, buffer.subarray(0, Math.min(PIECE_BYTES, image.sizeBytes - at)));
}
