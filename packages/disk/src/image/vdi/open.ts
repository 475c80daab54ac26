import { DiskError } from '../../error.ts';
import { quote } from '../../quote.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { DiskImage, ImageContext, ImageFacts } from '../image.ts';
import { MappedImage } from '../mapped-image.ts';
import { VdiBlockMap } from './block-map.ts';
import { readVdiHeader, type VdiHeader, type VdiParent } from './header.ts';

export function openVdi(source: ByteSource, context: ImageContext): DiskImage {
  const header = readVdiHeader(source);
  const parent = header.parent && openParent(header.parent, context);
  const map = new VdiBlockMap(source, header);
  return new MappedImage({ facts: vdiFacts(source, header, parent), data: source, map, parent });
}

/** A VDI knows its parent by UUID alone, so it is asked for by the name that VirtualBox gives to snapshots. */
function parentName({ uuid }: VdiParent): string {
  return `{${uuid}}.vdi`;
}

function openParent(link: VdiParent, context: ImageContext): DiskImage {
  const name = parentName(link);
  const parent = context.openReference(name, 'vdi');
  if (parent.facts.details.uuid === link.uuid) return parent;
  const state = `it is ${String(parent.facts.details.uuid)}, expected ${link.uuid}`;
  throw new DiskError('corrupt', `Cannot open parent ${quote(name)}: ${state}`, { format: 'vdi' });
}

function vdiFacts(source: ByteSource, header: VdiHeader, parent: DiskImage | undefined): ImageFacts {
  const own = header.parent === undefined ? [] : [parentName(header.parent)];
  return {
    format: 'vdi',
    virtual_size: header.virtualSize,
    file_size: source.sizeBytes,
    details: {
      type: header.type,
      cluster_size: header.blockSize,
      block_extra: header.blockExtra,
      blocks: header.blocks,
      blocks_allocated: header.blocksAllocated,
      uuid: header.uuid,
      modification_uuid: header.lastChange,
      parent_uuid: header.parent?.uuid ?? null,
    },
    chain: [...own, ...(parent?.facts.chain ?? [])],
    warnings: [...warningsOf(header, parent), ...(parent?.facts.warnings ?? [])],
  };
}

function warningsOf(header: VdiHeader, parent: DiskImage | undefined): readonly string[] {
  // VirtualBox opens such a chain too, but what a parent was changed under cannot be told from what was meant
  if (parent === undefined || parent.facts.details.modification_uuid === header.parent?.lastChange) return [];
  return ['parent was written to after this image was made above it'];
}
