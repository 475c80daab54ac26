import { readFields } from '../../fields.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { optional, peek, type Refinement } from './format.ts';

// label 0 is at the start: a list of names and values, then 128 uberblocks of which a few have been written
const CONFIG_OFFSET = 16 * 1024;
const CONFIG_SIZE = 112 * 1024;
const UBERBLOCKS_OFFSET = 128 * 1024;
const UBERBLOCKS_SIZE = 128 * 1024;
const UBERBLOCK_STEP = 1024;
const UBERBLOCK_MAGIC = 0x00bab10cn;
const UBERBLOCK = { little: [0, 'bits64'], big: [0, 'bits64be'] } as const;

// XDR: big-endian, strings padded to 4 bytes
const LIST_HEADER_SIZE = 12;
const PAIR = { encoded_size: [0, 'u32be'], name_length: [8, 'u32be'] } as const;
const TYPE_NUMBER = 8;
const TYPE_STRING = 9;

/** Member of a ZFS pool: its label is the name of the pool, its identity the number of the pool. */
export function findZfs(volume: ByteSource): Refinement | undefined {
  const uberblocks = peek(volume, UBERBLOCKS_OFFSET, UBERBLOCKS_SIZE);
  if (uberblocks === undefined || !hasUberblock(uberblocks)) return undefined;
  const config = optional(() => readPairs(volume.read(CONFIG_OFFSET, CONFIG_SIZE))) ?? new Map();
  const name = config.get('name');
  const pool = config.get('pool_guid');
  return {
    label: typeof name === 'string' ? name : undefined,
    uuid: typeof pool === 'bigint' ? pool.toString() : undefined,
  };
}

function hasUberblock(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += UBERBLOCK_STEP) {
    const { little, big } = readFields(bytes.subarray(at), UBERBLOCK);
    if (little === UBERBLOCK_MAGIC || big === UBERBLOCK_MAGIC) return true;
  }
  return false;
}

function readPairs(bytes: Uint8Array): ReadonlyMap<string, string | bigint> {
  const pairs = new Map<string, string | bigint>();
  for (let at = LIST_HEADER_SIZE; ; ) {
    const { encoded_size, name_length } = readFields(bytes.subarray(at), PAIR);
    if (encoded_size === 0) return pairs;
    const name = text(bytes.subarray(at + 12, at + 12 + name_length));
    const value = readValue(bytes.subarray(at + 12 + padded(name_length)));
    if (value !== undefined) pairs.set(name, value);
    at += encoded_size;
  }
}

function readValue(bytes: Uint8Array): string | bigint | undefined {
  const { type } = readFields(bytes, { type: [0, 'u32be'] } as const);
  if (type === TYPE_NUMBER) return readFields(bytes, { value: [8, 'bits64be'] } as const).value;
  if (type !== TYPE_STRING) return undefined;
  const { length } = readFields(bytes, { length: [8, 'u32be'] } as const);
  return text(bytes.subarray(12, 12 + length));
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
