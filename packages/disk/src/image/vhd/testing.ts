import { FOOTER_CHECKSUM_AT, HEADER_CHECKSUM_AT, SECTOR_SIZE } from './layout.ts';

// Builds VHD images by hand, for what no tool at hand writes: differencing disks above all.

export interface VhdRecipe {
  readonly type?: 'dynamic' | 'differencing';
  readonly sizeBytes?: number;
  readonly blockSize?: number;
  readonly uniqueId?: number;
  readonly parent?: ParentRecipe;
  /** Block number → its sector bitmap and content. */
  readonly blocks?: ReadonlyMap<number, BlockRecipe>;
}

export interface ParentRecipe {
  readonly uniqueId: number;
  readonly timestamp?: number;
  readonly name?: string;
  readonly relativePath?: string;
  readonly absolutePath?: string;
}

export interface BlockRecipe {
  /** Numbers of the sectors whose bit is set. */
  readonly sectors: readonly number[];
  readonly fill: number;
}

export const HEADER_AT = 512;
export const TABLE_AT = 1536;
const LOCATORS_AT = 4096;
const BLOCKS_AT = 8192;

export function buildVhd(recipe: VhdRecipe = {}): Buffer {
  const { sizeBytes = 65_536, blockSize = 8192, blocks = new Map() } = recipe;
  const bitmapBytes = Math.ceil(blockSize / SECTOR_SIZE / 8 / SECTOR_SIZE) * SECTOR_SIZE;
  const bytes = Buffer.alloc(BLOCKS_AT + blocks.size * (bitmapBytes + blockSize) + SECTOR_SIZE);
  writeHeader(bytes, recipe, Math.ceil(sizeBytes / blockSize), blockSize);
  bytes.fill(0xff, TABLE_AT, TABLE_AT + Math.ceil(sizeBytes / blockSize) * 4);
  let at = BLOCKS_AT;
  for (const [block, { sectors, fill }] of blocks) {
    bytes.writeUInt32BE(at / SECTOR_SIZE, TABLE_AT + block * 4);
    for (const sector of sectors) {
      const index = at + Math.floor(sector / 8);
      bytes[index] = (bytes[index] ?? 0) | (0x80 >>> (sector % 8));
    }
    // a different byte in each sector, in those that are not of this disk too: none of them may be seen
    for (let sector = 0; sector < blockSize / SECTOR_SIZE; sector++) {
      const start = at + bitmapBytes + sector * SECTOR_SIZE;
      bytes.fill((fill + sector) & 0xff, start, start + SECTOR_SIZE);
    }
    at += bitmapBytes + blockSize;
  }
  writeFooters(bytes, recipe, sizeBytes);
  return bytes;
}

function writeHeader(bytes: Buffer, { parent }: VhdRecipe, entries: number, blockSize: number): void {
  bytes.write('cxsparse', HEADER_AT);
  bytes.fill(0xff, HEADER_AT + 8, HEADER_AT + 16);
  bytes.writeUInt32BE(TABLE_AT, HEADER_AT + 20);
  bytes.writeUInt32BE(0x10000, HEADER_AT + 24);
  bytes.writeUInt32BE(entries, HEADER_AT + 28);
  bytes.writeUInt32BE(blockSize, HEADER_AT + 32);
  if (parent !== undefined) writeParent(bytes, parent);
  sealHeader(bytes);
}

function writeParent(bytes: Buffer, parent: ParentRecipe): void {
  bytes.fill(parent.uniqueId, HEADER_AT + 40, HEADER_AT + 56);
  bytes.writeUInt32BE(parent.timestamp ?? 0, HEADER_AT + 56);
  Buffer.from(parent.name ?? '', 'utf16le')
    .swap16()
    .copy(bytes, HEADER_AT + 64);
  writeLocator(bytes, 0, 'W2ku', parent.absolutePath);
  writeLocator(bytes, 1, 'W2ru', parent.relativePath);
}

function writeLocator(bytes: Buffer, index: number, code: string, path: string | undefined): void {
  if (path === undefined) return;
  const at = HEADER_AT + 576 + index * 24;
  const text = Buffer.from(path, 'utf16le');
  bytes.write(code, at);
  bytes.writeUInt32BE(SECTOR_SIZE, at + 4);
  bytes.writeUInt32BE(text.length, at + 8);
  bytes.writeUInt32BE(LOCATORS_AT + index * 1024, at + 20);
  text.copy(bytes, LOCATORS_AT + index * 1024);
}

function writeFooters(bytes: Buffer, { type = 'dynamic', uniqueId = 7 }: VhdRecipe, sizeBytes: number): void {
  bytes.write('conectix', 0);
  bytes.writeUInt32BE(2, 8);
  bytes.writeUInt32BE(0x10000, 12);
  bytes.writeUInt32BE(HEADER_AT, 20);
  bytes.writeUInt32BE(1000, 24);
  bytes.write('win \0\x0a\0\0Wi2k', 28, 'latin1');
  bytes.writeBigUInt64BE(BigInt(sizeBytes), 40);
  bytes.writeBigUInt64BE(BigInt(sizeBytes), 48);
  bytes.writeUInt32BE(type === 'dynamic' ? 3 : 4, 60);
  bytes.fill(uniqueId, 68, 84);
  sealFooters(bytes);
}

/** Makes the checksum of the first footer right, and the last sector a copy of it. */
export function sealFooters(bytes: Buffer): Buffer {
  seal(bytes, 0, 512, FOOTER_CHECKSUM_AT);
  bytes.copy(bytes, bytes.length - SECTOR_SIZE, 0, SECTOR_SIZE);
  return bytes;
}

export function sealHeader(bytes: Buffer): Buffer {
  return seal(bytes, HEADER_AT, 1024, HEADER_CHECKSUM_AT);
}

function seal(bytes: Buffer, at: number, sizeBytes: number, checksumAt: number): Buffer {
  bytes.writeUInt32BE(0, at + checksumAt);
  const sum = bytes.subarray(at, at + sizeBytes).reduce((total, byte) => total + byte, 0);
  bytes.writeUInt32BE(~sum >>> 0, at + checksumAt);
  return bytes;
}
