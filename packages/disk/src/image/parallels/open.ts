import { DiskError } from '../../error.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { DiskImage, ImageFacts, ImageFormat } from '../image.ts';
import { MappedImage } from '../mapped-image.ts';
import { ParallelsBlockMap } from './block-map.ts';
import { findMagic, type ParallelsHeader, readParallelsHeader } from './header.ts';
import { BUNDLE_ROOT } from './layout.ts';

export const parallelsFormat: ImageFormat = { name: 'parallels', detect: isParallels, open: openParallels };

function isParallels(head: Uint8Array): boolean {
  return findMagic(head) !== undefined || isBundle(head);
}

/** DiskDescriptor.xml, the list of the images that a bundle (.hdd) is made of. */
function isBundle(head: Uint8Array): boolean {
  const text = Buffer.from(head.subarray(0, 1024)).toString('latin1').trimStart();
  return text.startsWith('<?xml') && text.includes(BUNDLE_ROOT);
}

function openParallels(source: ByteSource): DiskImage {
  if (isBundle(source.read(0, Math.min(source.sizeBytes, 1024)))) {
    const message = 'Cannot open Parallels bundle: its DiskDescriptor.xml cannot be read yet, expected its .hds image';
    throw new DiskError('unsupported', message, { format: 'parallels', offset: 0 });
  }
  const header = readParallelsHeader(source);
  const map = new ParallelsBlockMap(source, header);
  return new MappedImage({ facts: parallelsFacts(source, header), data: source, map, parent: undefined });
}

function parallelsFacts(source: ByteSource, header: ParallelsHeader): ImageFacts {
  return {
    format: 'parallels',
    virtual_size: header.virtualSize,
    file_size: source.sizeBytes,
    details: {
      magic: header.magic,
      version: 2,
      cluster_size: header.clusterSize,
      in_use: header.inUse,
      extension: header.hasExtension,
    },
    chain: [],
    warnings: header.inUse ? ['image was not closed: a machine may be running on it, or its writer died'] : [],
  };
}
