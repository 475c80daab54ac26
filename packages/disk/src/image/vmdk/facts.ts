import type { ByteSource } from '../../source/byte-source.ts';
import type { DiskImage, ImageFacts } from '../image.ts';
import type { VmdkDescriptor } from './descriptor.ts';
import type { OpenedExtent } from './open-extents.ts';
import { parentName } from './parent.ts';

export interface VmdkParts {
  readonly source: ByteSource;
  readonly descriptor: VmdkDescriptor;
  readonly extents: readonly OpenedExtent[];
  /** Whether the extents are in other files than the descriptor. */
  readonly refersToExtents: boolean;
  readonly parent: DiskImage | undefined;
  readonly warnings: readonly string[];
}

export function vmdkFacts({ source, descriptor, extents, refersToExtents, parent, warnings }: VmdkParts): ImageFacts {
  const files = refersToExtents ? extents.map(({ line }) => line.name).filter((name) => name !== undefined) : [];
  const own = descriptor.parent === undefined ? [] : [parentName(descriptor.parent)];
  return {
    format: 'vmdk',
    virtual_size: extents.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    file_size: source.sizeBytes,
    details: {
      create_type: descriptor.createType ?? null,
      adapter_type: descriptor.adapterType ?? null,
      hardware_version: descriptor.hardwareVersion ?? null,
      cid: descriptor.cid ?? null,
      parent_cid: descriptor.parent?.cid ?? null,
      parent_file_name: descriptor.parent?.name ?? null,
      encoding: descriptor.encoding ?? null,
      extents: extents.map(extentFacts),
    },
    chain: [...new Set(files), ...own, ...(parent?.facts.chain ?? [])],
    warnings: [
      ...warnings,
      ...new Set(extents.flatMap(({ extent }) => extent.warnings)),
      ...(parent?.facts.warnings ?? []),
    ],
  };
}

function extentFacts({ line, extent, sizeBytes }: OpenedExtent) {
  return {
    type: line.type,
    access: line.access,
    file_name: line.name ?? null,
    virtual_size: sizeBytes,
    cluster_size: extent.grainBytes ?? null,
    compressed: extent.isCompressed,
  };
}
