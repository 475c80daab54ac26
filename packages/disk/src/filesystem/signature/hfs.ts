import { readFields } from '../../fields.ts';
import { readUuid } from '../../guid.ts';
import { lazy } from '../../lazy.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { optional, type Refinement, toLabel } from './format.ts';

const crypto = lazy<typeof import('node:crypto')>(import.meta, 'node:crypto');

const HEADER_OFFSET = 1024;
const HFS = { finder_id: [116, 'bits64be'], label_length: [36, 'u8'], embedded_magic: [124, 'u16be'] } as const;
const HFS_LONGEST_LABEL = 27;
const HFSPLUS = { finder_id: [104, 'bits64be'], block_size: [40, 'u32be'], catalog_start: [288, 'u32be'] } as const;
const HEADER_NODE = { first_leaf: [24, 'u32be'], node_size: [32, 'u16be'] } as const;
const LEAF = { kind: [8, 'i8'], parent: [16, 'u32be'], name_length: [20, 'u16be'] } as const;
const LEAF_KIND = -1;
const ROOT_PARENT = 1;
const EMBEDDED_HFSPLUS = 0x482b;
// namespace of the name-based UUIDs that Apple derives from the Finder's volume id
const UUID_NAMESPACE = Uint8Array.fromHex('b3e20f39f29211d697a400306543ecac');

export function refineHfs(volume: ByteSource): Refinement | undefined {
  const header = volume.read(HEADER_OFFSET, 162);
  const fields = readFields(header, HFS);
  // a wrapper around an HFS+ that begins further in
  if (fields.embedded_magic === EMBEDDED_HFSPLUS) return { type: 'hfsplus' };
  const length = Math.min(fields.label_length, HFS_LONGEST_LABEL);
  return { label: toLabel(header.subarray(37, 37 + length)), uuid: identity(fields.finder_id) };
}

export function refineHfsplus(volume: ByteSource): Refinement | undefined {
  const fields = readFields(volume.read(HEADER_OFFSET, 512), HFSPLUS);
  return { uuid: identity(fields.finder_id), label: optional(() => rootName(volume, fields)) };
}

function identity(finderId: bigint): string | undefined {
  if (finderId === 0n) return undefined;
  const name = new Uint8Array(8);
  new DataView(name.buffer).setBigUint64(0, finderId);
  const hash = Uint8Array.from(crypto().createHash('md5').update(UUID_NAMESPACE).update(name).digest());
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x30;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  return readUuid(hash);
}

/** The first record of the catalogue is the root folder, and its key holds the name of the volume. */
function rootName(volume: ByteSource, fields: ReturnType<typeof readFields<typeof HFSPLUS>>): string | undefined {
  const catalog = fields.catalog_start * fields.block_size;
  const tree = readFields(volume.read(catalog, 64), HEADER_NODE);
  const leaf = volume.read(catalog + tree.first_leaf * tree.node_size, tree.node_size);
  const record = readFields(leaf, LEAF);
  if (record.kind !== LEAF_KIND || record.parent !== ROOT_PARENT) return undefined;
  return toLabel(leaf.subarray(22, 22 + record.name_length * 2), 'utf-16be');
}
