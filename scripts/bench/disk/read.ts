// Reads the whole disk of an image in order, as a process of its own: `read.ts IMAGE`.
import { denyReferences, FileSource, openImage, readInOrder } from '@guestkit/disk/image';

using source = FileSource.open(process.argv[2] ?? '');
const image = openImage(source, { references: denyReferences });
let readBytes = 0;
for await (const { bytes } of readInOrder(image)) readBytes += bytes.length;
if (readBytes !== image.sizeBytes)
  throw new Error(`Cannot measure: ${readBytes} bytes were read of ${image.sizeBytes}`);
