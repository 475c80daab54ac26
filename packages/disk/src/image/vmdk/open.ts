import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { DiskImage, ImageContext } from '../image.ts';
import { MappedImage } from '../mapped-image.ts';
import { parseDescriptor, type VmdkDescriptor } from './descriptor.ts';
import { corrupt, unsupported } from './error.ts';
import { ExtentList } from './extent-list.ts';
import { vmdkFacts } from './facts.ts';
import { extentKind } from './format.ts';
import { openHostedExtent } from './hosted.ts';
import { type HostedHeader, readHostedHeader } from './hosted-header.ts';
import { LIMIT, SECTOR_SIZE } from './layout.ts';
import { type OpenedExtent, openExtents } from './open-extents.ts';
import { openParent } from './parent.ts';

export function openVmdk(source: ByteSource, context: ImageContext): DiskImage {
  const kind = extentKind(source.read(0, Math.min(source.sizeBytes, 8)));
  if (kind === undefined) return openByDescriptor(source, readDescriptorFile(source), context);
  if (kind === 'hosted') return openHosted(source, context);
  throw onlyPiece(kind);
}

function onlyPiece(kind: string) {
  return unsupported(`${kind} extent`, 'it is one piece of a disk, expected the descriptor that names it', 0);
}

function readDescriptorFile(source: ByteSource): VmdkDescriptor {
  if (source.sizeBytes > LIMIT.descriptorBytes) {
    const state = `it has ${hex(source.sizeBytes)} bytes, expected at most ${hex(LIMIT.descriptorBytes)}`;
    throw corrupt('descriptor', state, 0);
  }
  return parseDescriptor(source.read(0, source.sizeBytes), 0);
}

/** A disk whose descriptor is apart from its extents. */
function openByDescriptor(source: ByteSource, descriptor: VmdkDescriptor, context: ImageContext): DiskImage {
  const extents = openExtents(descriptor, context);
  const parent = openParent(descriptor, context);
  return vmdkImage({ source, descriptor, extents, refersToExtents: true, parent, warnings: [] });
}

/** A sparse extent that has its descriptor in it. */
function openHosted(source: ByteSource, context: ImageContext): DiskImage {
  const header = readHostedHeader(source);
  if (header.descriptor === undefined) throw onlyPiece('sparse');
  const { offset, sizeBytes } = header.descriptor;
  const descriptor = parseDescriptor(source.read(offset, sizeBytes), offset);
  // only the place of the descriptor of a disk in other files
  if (header.sizeBytes === 0) return openByDescriptor(source, descriptor, context);
  const extents = [openOwnExtent(source, header, descriptor)];
  const parent = openParent(descriptor, context);
  const warnings = warningsOf(header, descriptor);
  return vmdkImage({ source, descriptor, extents, refersToExtents: false, parent, warnings });
}

const TABLE_CACHE_BYTES = 4 * 2 ** 20;

function openOwnExtent(source: ByteSource, header: HostedHeader, descriptor: VmdkDescriptor): OpenedExtent {
  if (descriptor.extents.length > 1) {
    const state = `${descriptor.extents.length} extents are in it, expected only this file`;
    throw unsupported('descriptor', state, header.descriptor?.offset ?? 0);
  }
  const extent = openHostedExtent(source, TABLE_CACHE_BYTES, header);
  const sectors = header.sizeBytes / SECTOR_SIZE;
  const line = { access: 'RW', sectors, type: 'SPARSE', name: descriptor.extents[0]?.name, offsetSectors: 0 } as const;
  return { line, extent, sizeBytes: header.sizeBytes };
}

function warningsOf({ sizeBytes }: HostedHeader, { extents }: VmdkDescriptor): readonly string[] {
  const said = extents[0]?.sectors;
  if (said === undefined || said * SECTOR_SIZE === sizeBytes) return [];
  return [`descriptor says ${said} sectors, the header ${sizeBytes / SECTOR_SIZE}: the header is followed`];
}

function vmdkImage(parts: Parameters<typeof vmdkFacts>[0]): DiskImage {
  const map = new ExtentList(parts.extents.map(({ extent, sizeBytes }) => ({ map: extent, sizeBytes })));
  return new MappedImage({ facts: vmdkFacts(parts), data: parts.source, map, parent: parts.parent });
}
