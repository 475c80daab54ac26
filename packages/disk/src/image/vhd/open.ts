import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { DiskImage, ImageContext } from '../image.ts';
import { MappedImage, type MappedRun } from '../mapped-image.ts';
import { BlockMap } from './block-map.ts';
import { readDynamicHeader } from './dynamic-header.ts';
import { corrupt } from './error.ts';
import { vhdFacts } from './facts.ts';
import { type FoundFooter, readVhdFooter } from './footer.ts';
import { openVhdParent } from './parent.ts';

export function openVhd(source: ByteSource, context: ImageContext): DiskImage {
  const found = readVhdFooter(source);
  return found.footer.type === 'fixed' ? openFixed(source, found) : openBlocks(source, found, context);
}

function openFixed(source: ByteSource, found: FoundFooter): DiskImage {
  const { virtualSize } = found.footer;
  if (virtualSize > found.dataEnd) {
    const state = `it is cut short: ${hex(found.dataEnd)} bytes are before the footer, the disk has ${hex(virtualSize)}`;
    throw corrupt('file', state, found.dataEnd);
  }
  const map = { unitAt: (offset: number): MappedRun => ({ kind: 'data', length: virtualSize - offset, host: offset }) };
  return new MappedImage({
    facts: vhdFacts(source, found, undefined, undefined),
    data: source,
    map,
    parent: undefined,
  });
}

function openBlocks(source: ByteSource, found: FoundFooter, context: ImageContext): DiskImage {
  const header = readDynamicHeader(source, found);
  const map = new BlockMap(source, found, header);
  // without its footer the file may have lost more than that
  if (found.dataEnd === source.sizeBytes) map.checkAllBlocks();
  const parent = found.footer.type === 'differencing' ? openVhdParent(header.parent, context) : undefined;
  return new MappedImage({ facts: vhdFacts(source, found, header, parent), data: source, map, parent });
}
