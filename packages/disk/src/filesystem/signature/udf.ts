import { readFields } from '../../fields.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { hasText, magic, peek, type Refinement, toLabel } from './format.ts';

// ECMA-167 and OSTA UDF. What recognises the volume stands where ISO 9660 has its descriptors, perhaps behind them.
const RECOGNITION_AT = 0x8000;
/** Structures are as far apart as blocks, but no nearer. */
const LEAST_STEP = 2048;
const MOST_STRUCTURES = 64;
const STRUCTURES = ['BEA01', 'BOOT2', 'CD001', 'CDW02', 'NSR02', 'NSR03', 'TEA01'];
const UDF_STRUCTURES = ['NSR02', 'NSR03'];

const BLOCK_SIZES = [512, 1024, 2048, 4096];
const ANCHOR_BLOCK = 256;
const MOST_DESCRIPTORS = 64;
const TAG = { id: [0, 'u16'], block: [12, 'u32'] } as const;
const ANCHOR = { length: [16, 'u32'], block: [20, 'u32'] } as const;
const TAGS = { primary: 1, anchor: 2, logical: 6, terminator: 8 };
const VOLUME_NAME = { at: 24, length: 32 };
const VOLUME_SET_NAME = { at: 72, length: 128 };
const LOGICAL_VOLUME_NAME = { at: 84, length: 128 };

/** Known by what announces it; named by its descriptors, where they are found. */
export function findUdf(volume: ByteSource): Refinement | undefined {
  const blockSizes = BLOCK_SIZES.filter((size) => isAnnounced(volume, Math.max(size, LEAST_STEP)));
  if (blockSizes.length === 0) return undefined;
  const descriptors = descriptorsOf(volume, blockSizes);
  const primary = descriptors.get(TAGS.primary);
  const logical = descriptors.get(TAGS.logical);
  return {
    label: (logical && nameIn(logical, LOGICAL_VOLUME_NAME)) ?? (primary && nameIn(primary, VOLUME_NAME)),
    uuid: primary && identityOf(textIn(primary, VOLUME_SET_NAME)),
  };
}

function isAnnounced(volume: ByteSource, step: number): boolean {
  for (let index = 0; index < MOST_STRUCTURES; index++) {
    const at = RECOGNITION_AT + index * step + 1;
    const known = STRUCTURES.find((text) => hasText(volume, magic(text, at)));
    if (known === undefined) return false;
    if (UDF_STRUCTURES.includes(known)) return true;
  }
  return false;
}

/** The first descriptor of each kind; none when the volume has no anchor where one should be. */
function descriptorsOf(volume: ByteSource, blockSizes: readonly number[]): ReadonlyMap<number, Uint8Array> {
  for (const blockSize of blockSizes) {
    const anchor = readDescriptor(volume, ANCHOR_BLOCK, blockSize);
    if (anchor?.id !== TAGS.anchor) continue;
    const { block, length } = readFields(anchor.bytes, ANCHOR);
    return readSequence(volume, { block, blockSize, count: Math.min(length / blockSize, MOST_DESCRIPTORS) });
  }
  return new Map();
}

function readSequence(
  volume: ByteSource,
  { block, blockSize, count }: { readonly block: number; readonly blockSize: number; readonly count: number },
): ReadonlyMap<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  for (let index = 0; index < count; index++) {
    const descriptor = readDescriptor(volume, block + index, blockSize);
    if (descriptor === undefined || descriptor.id === TAGS.terminator) break;
    if (!found.has(descriptor.id)) found.set(descriptor.id, descriptor.bytes);
  }
  return found;
}

/** Each says in which block it is. */
function readDescriptor(volume: ByteSource, block: number, blockSize: number) {
  const bytes = peek(volume, block * blockSize, 512);
  if (bytes === undefined) return undefined;
  const tag = readFields(bytes, TAG);
  return tag.block === block ? { id: tag.id, bytes } : undefined;
}

interface TextPlace {
  readonly at: number;
  readonly length: number;
}

function nameIn(descriptor: Uint8Array, place: TextPlace): string | undefined {
  return toLabel(new TextEncoder().encode(textIn(descriptor, place)));
}

/** A width in bits, characters, and how many bytes of the field are used. */
function textIn(descriptor: Uint8Array, { at, length }: TextPlace): string {
  const used = Math.min(descriptor[at + length - 1] as number, length - 1);
  const characters = descriptor.subarray(at + 1, at + Math.max(used, 1));
  // what TextDecoder calls latin1 is that of Windows
  return descriptor[at] === 16 ? new TextDecoder('utf-16be').decode(characters) : String.fromCharCode(...characters);
}

/** The first 16 digits of the name of the volume set, which begins with a time and a random number; as blkid makes do without. */
function identityOf(name: string): string | undefined {
  const bytes = new TextEncoder().encode(name);
  if (bytes.length < 8) return undefined;
  const digits = /^[\da-f]*/i.exec(name.slice(0, 16))?.[0].length ?? 0;
  if (digits < 8) return bytes.subarray(0, 8).toHex();
  if (digits < 16) return name.slice(0, 8).toLowerCase() + bytes.subarray(8, 12).toHex().padEnd(8, '0');
  return name.slice(0, 16).toLowerCase();
}
