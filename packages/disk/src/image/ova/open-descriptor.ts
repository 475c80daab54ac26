import type { ByteSource } from '../../source/byte-source.ts';
import { FORMAT_NOT_CLAIMED } from '../claim.ts';
import type { DiskImage, ImageContext } from '../image.ts';
import { readDescriptor } from './descriptor.ts';
import { corrupt, unsupported } from './error.ts';
import { LIMIT } from './layout.ts';
import { capacityWarnings, claimedBy, detailsOf, findFile, selectDisk, selectionWarnings } from './selection.ts';

/** Opens one disk of a descriptor whose files lie beside it: each is a reference, which the policy may deny (security rule R4). */
export function openOvf(source: ByteSource, context: ImageContext): DiskImage {
  if (source.sizeBytes > LIMIT.descriptorBytes) {
    throw corrupt('descriptor', `it has ${source.sizeBytes} bytes, expected at most ${LIMIT.descriptorBytes}`, 0);
  }
  const ovf = readDescriptor(new TextDecoder().decode(source.read(0, source.sizeBytes)), 0);
  const number = context.disk ?? 1;
  const disk = selectDisk(ovf, number, 0);
  const { href, chunkSize } = findFile(disk, 0);
  if (chunkSize !== undefined) throw unsupported('disk', 'its file is in parts beside the descriptor, expected one', 0);
  const image = context.openReference(href.replace(/^(\.\/)+/, ''), claimedBy(disk) ?? FORMAT_NOT_CLAIMED);
  const { facts } = image;
  return {
    sizeBytes: image.sizeBytes,
    facts: {
      format: 'ovf',
      virtual_size: image.sizeBytes,
      file_size: source.sizeBytes,
      details: { ...detailsOf(ovf, number), image: { format: facts.format, ...facts.details } },
      chain: [href, ...facts.chain],
      warnings: [...selectionWarnings(ovf, context.disk), ...capacityWarnings(disk, image), ...facts.warnings],
    },
    read: (offset, length) => image.read(offset, length),
    extents: (from, to) => image.extents(from, to),
  };
}
