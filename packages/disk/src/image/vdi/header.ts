import { type Fields, readFields } from '../../fields.ts';
import { readGuid } from '../../guid.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt, unsupported } from './error.ts';
import {
  LIMIT,
  SECTOR_SIZE,
  VDI_HEADER,
  VDI_HEADER_SIZE,
  VDI_HEADER_SIZE_OFFSET,
  VDI_LEAST_HEADER_SIZE,
  VDI_TYPES,
  VDI_UUID,
  VDI_VERSION,
  type VdiType,
} from './layout.ts';

/** A header whose every number has been compared with its bound. Offsets are of the file. */
export interface VdiHeader {
  readonly type: VdiType;
  readonly virtualSize: number;
  readonly blockSize: number;
  readonly blockExtra: number;
  readonly blocks: number;
  readonly blocksAllocated: number;
  readonly mapOffset: number;
  readonly dataOffset: number;
  readonly uuid: string;
  readonly lastChange: string;
  /** What a differencing image is above. */
  readonly parent: VdiParent | undefined;
}

export interface VdiParent {
  readonly uuid: string;
  /** Changes with every write to the parent. */
  readonly lastChange: string;
}

type Raw = Fields<typeof VDI_HEADER>;

const NO_UUID = '00000000-0000-0000-0000-000000000000';

export function readVdiHeader(source: ByteSource): VdiHeader {
  const bytes = source.read(0, Math.min(source.sizeBytes, VDI_HEADER_SIZE));
  const fields = readFields(bytes, VDI_HEADER, { format: 'vdi', offset: 0 });
  if (fields.version !== VDI_VERSION) {
    throw unsupported(`version is ${hex(fields.version)}, expected ${hex(VDI_VERSION)}`, 0x44);
  }
  checkHeaderSize(fields, bytes.length);
  const type = VDI_TYPES[fields.image_type];
  if (type === undefined) throw unsupported(`image type is ${fields.image_type}, expected 1 to 4`, 0x4c);
  checkBlocks(fields);
  checkPlaces(fields, source.sizeBytes);
  return {
    type,
    // VirtualBox makes disks with an odd size; disks are made of whole sectors
    virtualSize: Math.ceil(fields.disk_size / SECTOR_SIZE) * SECTOR_SIZE,
    blockSize: fields.block_size,
    blockExtra: fields.block_extra,
    blocks: fields.blocks_in_image,
    blocksAllocated: fields.blocks_allocated,
    mapOffset: fields.offset_bmap,
    dataOffset: fields.offset_data,
    uuid: readGuid(bytes, VDI_UUID.image),
    lastChange: readGuid(bytes, VDI_UUID.lastChange),
    parent: readParent(bytes, type),
  };
}

function checkHeaderSize({ header_size }: Raw, fileSize: number): void {
  if (fileSize < VDI_HEADER_SIZE || header_size < VDI_LEAST_HEADER_SIZE) {
    const state = `it has ${header_size} bytes in a file of ${fileSize}, expected at least ${VDI_LEAST_HEADER_SIZE}`;
    throw corrupt('header', state, VDI_HEADER_SIZE_OFFSET);
  }
}

function checkBlocks({ sector_size, disk_size, block_size, block_extra, blocks_in_image }: Raw): void {
  if (sector_size !== SECTOR_SIZE)
    throw unsupported(`sectors have ${sector_size} bytes, expected ${SECTOR_SIZE}`, 0x168);
  if (disk_size > LIMIT.virtualSize) {
    throw corrupt('header', `virtual size is ${hex(disk_size)}, expected at most ${hex(LIMIT.virtualSize)}`, 0x170);
  }
  const { least, most } = LIMIT.blockSize;
  if (block_size < least || block_size > most || !Number.isInteger(Math.log2(block_size))) {
    throw corrupt('header', `block size is ${block_size}, expected a power of 2 from ${least} to ${most}`, 0x178);
  }
  if (block_extra > block_size) {
    throw corrupt('header', `blocks of ${block_size} bytes have ${block_extra} extra bytes`, 0x17c);
  }
  if (disk_size > blocks_in_image * block_size) {
    const state = `${blocks_in_image} blocks of ${block_size} bytes hold less than the disk of ${hex(disk_size)}`;
    throw corrupt('header', state, 0x180);
  }
}

function checkPlaces({ header_size, offset_bmap, offset_data, blocks_in_image }: Raw, fileSize: number): void {
  const state = `it is at ${hex(offset_bmap)} with ${blocks_in_image} entries`;
  if (offset_bmap % SECTOR_SIZE !== 0) throw corrupt('block map', `${state}, expected a multiple of 512`, 0x154);
  if (offset_bmap < VDI_HEADER_SIZE_OFFSET + header_size) {
    throw corrupt('block map', `${state}, where the header is`, 0x154);
  }
  const end = offset_bmap + blocks_in_image * 4;
  if (end > fileSize) throw corrupt('block map', `${state}, past the end of the file at ${hex(fileSize)}`, 0x154);
  if (offset_data < end) throw corrupt('header', `blocks start at ${hex(offset_data)}, where the block map is`, 0x158);
}

function readParent(bytes: Uint8Array, type: VdiType): VdiParent | undefined {
  const uuid = readGuid(bytes, VDI_UUID.parent);
  const isExpected = type === 'undo' || type === 'differencing';
  if (isExpected === (uuid === NO_UUID)) {
    const state = `image is ${type} and ${isExpected ? 'names no' : 'names a'} parent`;
    throw corrupt('header', state, VDI_UUID.parent);
  }
  return isExpected ? { uuid, lastChange: readGuid(bytes, VDI_UUID.parentLastChange) } : undefined;
}
