import { DiskError } from '../../error.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { DiskImage, ImageFacts } from '../image.ts';
import { MappedImage } from '../mapped-image.ts';
import { ParallelsBlockMap } from './block-map.ts';
import { isBundle } from './format.ts';
import { type ParallelsHeader, readParallelsHeader } from './header.ts';

export function openParallels(source: ByteSource): DiskImage {
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
