// Reads the whole disk of an image in order, as a process of its own: `read.ts IMAGE`.
import { denyReferences, FileSource, openImage } from '@guestkit/disk';

const PIECE_BYTES = 2 * 2 ** 20;

using source = FileSource.open(process.argv[2] ?? '');
const image = openImage(source, { references: denyReferences });
for (let at = 0; at < image.sizeBytes; at += PIECE_BYTES) image.read(at, Math.min(PIECE_BYTES, image.sizeBytes - at));
