import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { FileSystem } from '../file-system.ts';
import { refineIso9660 } from '../signature/iso9660.ts';
import { readDescriptors } from './descriptor.ts';
import { rootNode } from './node.ts';
import { chooseTree } from './tree.ts';
import { Iso9660Volume } from './volume.ts';

/** @throws DiskError `corrupt` */
export function openIso9660(source: ByteSource): FileSystem {
  const descriptors = readDescriptors(source);
  const { blockSize, sizeBytes, warnings } = descriptors.primary;
  const tree = chooseTree(new Iso9660Volume(source, blockSize), descriptors);
  const isCut = sizeBytes > source.sizeBytes;
  const cut = `truncated: the image ends at ${hex(source.sizeBytes)}, expected ${hex(sizeBytes)}`;
  return {
    type: 'iso9660',
    label: undefined,
    uuid: undefined,
    // blkid's rules for both
    ...refineIso9660(source),
    sizeBytes,
    // it is written once, and full from then on
    freeBytes: 0,
    isCaseSensitive: tree.naming.isCaseSensitive,
    root: rootNode(tree),
    freeRanges: () => [],
    warnings: isCut ? [...warnings, cut] : warnings,
  };
}
