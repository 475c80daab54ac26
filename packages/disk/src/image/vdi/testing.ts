import { randomUUID } from 'node:crypto';
import { BLOCK_FREE, VDI_HEADER, VDI_SIGNATURE, VDI_UUID, VDI_VERSION } from './layout.ts';

/** What VirtualBox writes and qemu-img does not: parents, extra bytes, other block sizes. */
export interface VdiDraft {
  readonly type?: number;
  readonly diskSize?: number;
  readonly blockSize?: number;
  readonly blockExtra?: number;
  /** By block of the disk: its content, or an entry of the block map that names no block. */
  readonly blocks?: readonly (number | Uint8Array)[];
  readonly uuid?: string;
  readonly lastChange?: string;
  readonly parent?: { readonly uuid: string; readonly lastChange: string };
}

const MAP_OFFSET = 0x200;
const DATA_OFFSET = 0x1000;

/** Stores blocks last one first, so that the map matters. */
export function vdi(draft: VdiDraft = {}): Buffer {
  const { blockSize = 4096, blockExtra = 0, blocks = [BLOCK_FREE, BLOCK_FREE] } = draft;
  const stored = blocks.filter((block) => typeof block !== 'number').toReversed();
  const bytes = Buffer.alloc(DATA_OFFSET + stored.length * (blockExtra + blockSize), 0xee);
  bytes.fill(0, 0, DATA_OFFSET);
  writeHeader(bytes, { ...draft, blockSize, blockExtra, blocks }, stored.length);
  for (const [index, block] of blocks.entries()) {
    bytes.writeUInt32LE(typeof block === 'number' ? block : stored.indexOf(block), MAP_OFFSET + index * 4);
  }
  for (const [index, block] of stored.entries()) {
    bytes.set(block, DATA_OFFSET + index * (blockExtra + blockSize) + blockExtra);
  }
  return bytes;
}

type Complete = VdiDraft & Required<Pick<VdiDraft, 'blockSize' | 'blockExtra' | 'blocks'>>;

function writeHeader(bytes: Buffer, draft: Complete, allocated: number): void {
  bytes.write('<<< Oracle VM VirtualBox Disk Image >>>\n');
  const fields: Readonly<Record<keyof typeof VDI_HEADER, number>> = {
    signature: VDI_SIGNATURE,
    version: VDI_VERSION,
    header_size: 400,
    image_type: draft.type ?? (draft.parent === undefined ? 1 : 4),
    offset_bmap: MAP_OFFSET,
    offset_data: DATA_OFFSET,
    sector_size: 512,
    disk_size: draft.diskSize ?? draft.blocks.length * draft.blockSize,
    block_size: draft.blockSize,
    block_extra: draft.blockExtra,
    blocks_in_image: draft.blocks.length,
    blocks_allocated: allocated,
  };
  for (const [name, value] of Object.entries(fields)) {
    const [offset, type] = VDI_HEADER[name as keyof typeof VDI_HEADER];
    if (type === 'u64') bytes.writeBigUInt64LE(BigInt(value), offset);
    else bytes.writeUInt32LE(value, offset);
  }
  bytes.set(guidBytes(draft.uuid ?? randomUUID()), VDI_UUID.image);
  bytes.set(guidBytes(draft.lastChange ?? randomUUID()), VDI_UUID.lastChange);
  if (draft.parent === undefined) return;
  bytes.set(guidBytes(draft.parent.uuid), VDI_UUID.parent);
  bytes.set(guidBytes(draft.parent.lastChange), VDI_UUID.parentLastChange);
}

/** As Microsoft stores it: the first three groups little-endian. */
function guidBytes(guid: string): Buffer {
  const groups = guid.split('-').map((group) => Buffer.from(group, 'hex'));
  return Buffer.concat(groups.map((group, index) => (index < 3 ? group.toReversed() : group)));
}
