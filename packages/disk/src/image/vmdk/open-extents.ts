import { DiskError } from '../../error.ts';
import { hex } from '../../hex.ts';
import { quote } from '../../quote.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { ImageContext } from '../image.ts';
import { checkReferenceName } from '../reference-name.ts';
import { openCowdExtent } from './cowd.ts';
import type { VmdkDescriptor } from './descriptor.ts';
import { corrupt, unsupported } from './error.ts';
import { flatExtent, type VmdkExtent, zeroExtent } from './extent.ts';
import type { ExtentLine } from './extent-line.ts';
import { openHostedExtent } from './hosted.ts';
import { MAGIC, SECTOR_SIZE } from './layout.ts';
import { openSeSparseExtent } from './se-sparse.ts';

/** A line of the descriptor, and what it stands for. */
export interface OpenedExtent {
  readonly line: ExtentLine;
  readonly extent: VmdkExtent;
  readonly sizeBytes: number;
}

const CACHE_BYTES = 4 * 2 ** 20;
const NAMES_SHOWN = 20;

/** Opens the files that the disk is in, as the reference policy allows (security rule R4). They are raw pieces, not images. */
export function openExtents(descriptor: VmdkDescriptor, context: ImageContext): readonly OpenedExtent[] {
  if (descriptor.extents.length === 0) throw corrupt('descriptor', 'it has no extents', 0);
  for (const line of descriptor.extents) checkNoDevice(line, descriptor.createType);
  const cacheBytes = Math.floor(CACHE_BYTES / descriptor.extents.length);
  return descriptor.extents.map((line) => {
    const extent = openExtent(line, cacheBytes, () => openFile(line, descriptor, context));
    return { line, extent, sizeBytes: checkSize(line, extent) };
  });
}

function openExtent(line: ExtentLine, cacheBytes: number, open: () => ByteSource): VmdkExtent {
  if (line.type === 'ZERO') return zeroExtent(line.sectors * SECTOR_SIZE);
  if (line.access === 'NOACCESS') throw unsupported('extent', `${describe(line)} may not be read`, 0);
  if (line.type === 'FLAT' || line.type === 'VMFS') return openFlat(open(), line);
  if (SPARSE_TYPES.has(line.type)) return openSparse(open(), line, cacheBytes);
  throw unsupported('extent', `${describe(line)} is of no known type`, 0);
}

const SPARSE_TYPES: ReadonlySet<string> = new Set(['SPARSE', 'VMFSSPARSE', 'SESPARSE']);

function openFlat(source: ByteSource, line: ExtentLine): VmdkExtent {
  const start = line.offsetSectors * SECTOR_SIZE;
  const sizeBytes = line.sectors * SECTOR_SIZE;
  if (start + sizeBytes <= source.sizeBytes) return flatExtent(source, start, sizeBytes);
  const state = `${describe(line)} ends at ${hex(start + sizeBytes)}, its file at ${hex(source.sizeBytes)}`;
  throw corrupt('extent', state, start);
}

/** By content, as qemu does: the type only says that it is sparse. */
function openSparse(source: ByteSource, line: ExtentLine, cacheBytes: number): VmdkExtent {
  if (source.sizeBytes < SECTOR_SIZE) throw corrupt('extent', `${describe(line)} has no header`, 0);
  const magic = new DataView(Uint8Array.from(source.read(0, 4)).buffer).getUint32(0, true);
  if (magic === MAGIC.hosted) return openHostedExtent(source, cacheBytes);
  if (magic === MAGIC.cowd) return openCowdExtent(source, cacheBytes);
  if (magic === MAGIC.seSparse) return openSeSparseExtent(source, cacheBytes);
  throw corrupt('extent', `${describe(line)} starts with ${hex(magic)}, expected a sparse extent`, 0);
}

const DEVICE_CREATE_TYPES =
  /^(fullDevice|partitionedDevice|vmfsRaw|vmfsRDM|vmfsRawDeviceMap|vmfsPassthroughRawDeviceMap)$/i;
const DEVICE_EXTENT_TYPES = /^VMFS(RDM|RAW)$/;
const DEVICE_NAME = /^(\/dev\/|\\\\[.?]\\)/;

/** What is a disk of the machine that VMware ran on is not here, and must never be sought here. */
function checkNoDevice(line: ExtentLine, createType = ''): void {
  const isDevice = DEVICE_EXTENT_TYPES.test(line.type) || DEVICE_NAME.test(line.name ?? '');
  if (!isDevice && !DEVICE_CREATE_TYPES.test(createType)) return;
  throw unsupported('extent', `${describe(line)} is a device of a host (${quote(createType)}), expected a file`, 0);
}

function openFile(line: ExtentLine, descriptor: VmdkDescriptor, { references, depth }: ImageContext): ByteSource {
  if (line.name === undefined) throw corrupt('descriptor', `${describe(line)} names no file`, 0);
  checkReferenceName(line.name);
  try {
    return references.open(line.name, depth);
  } catch (error) {
    if (!(error instanceof DiskError) || error.kind !== 'denied') throw error;
    throw new DiskError('denied', `${error.message}; the disk needs ${listNames(descriptor)}`, {
      format: 'vmdk',
      cause: error,
    });
  }
}

function listNames({ extents }: VmdkDescriptor): string {
  const names = [...new Set(extents.flatMap(({ name }) => (name === undefined ? [] : [quote(name)])))];
  const more = names.length - NAMES_SHOWN;
  return names.slice(0, NAMES_SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** The descriptor says how large each piece is; the file of a sparse one may only be larger by less than a grain. */
function checkSize(line: ExtentLine, extent: VmdkExtent): number {
  const sizeBytes = line.sectors * SECTOR_SIZE;
  const more = extent.sizeBytes - sizeBytes;
  if (more === 0 || (more > 0 && more < (extent.grainBytes ?? 0))) return sizeBytes;
  throw corrupt('extent', `${describe(line)} has ${extent.sizeBytes / SECTOR_SIZE} sectors in its own header`, 0);
}

function describe({ type, name, sectors }: ExtentLine): string {
  return `${type} extent ${quote(name ?? '')} of ${sectors} sectors`;
}
