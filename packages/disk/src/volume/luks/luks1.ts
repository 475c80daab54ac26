import { type Fields, readFields } from '../../fields.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt } from './error.ts';
import { knownHash } from './key-derivation.ts';
import type { KeySlot, LuksHeader } from './key-slot.ts';
import {
  LIMIT,
  LUKS1_BYTES,
  LUKS1_HEADER,
  LUKS1_HEADER_SIZE,
  LUKS1_SLOT,
  LUKS1_SLOT_ACTIVE,
  LUKS1_SLOT_SALT,
  LUKS1_SLOT_SIZE,
  LUKS1_SLOTS,
  LUKS1_SLOTS_AT,
  SECTOR_BYTES,
} from './layout.ts';

export interface Luks1Options {
  /** Where the payload begins when the header lies apart from it; as the header says when left out. */
  readonly payloadOffset?: number;
}

/** Reads the header of LUKS version 1. */
export function readLuks1Header(source: ByteSource, { payloadOffset }: Luks1Options = {}): LuksHeader {
  const bytes = source.read(0, LUKS1_HEADER_SIZE);
  const fields = readFields(bytes, LUKS1_HEADER, { format: 'luks', offset: 0 });
  const keyBytes = fields['key-bytes'];
  if (keyBytes < 1 || keyBytes > LIMIT.keyBytes) {
    throw corrupt('header', `its key has ${keyBytes} bytes, expected 1 to ${LIMIT.keyBytes}`, 108);
  }
  const cipher = `${textAt(bytes, 'cipher-name')}-${textAt(bytes, 'cipher-mode')}`;
  const hash = knownHash(textAt(bytes, 'hash-spec'));
  const digest = {
    derivation: {
      type: 'pbkdf2' as const,
      hash,
      iterations: fields['mk-digest-iter'],
      salt: bytesAt(bytes, LUKS1_BYTES['mk-digest-salt']),
    },
    digest: bytesAt(bytes, LUKS1_BYTES['mk-digest']),
  };
  const offset = payloadOffset ?? fields['payload-offset'] * SECTOR_BYTES;
  if (offset > source.sizeBytes) {
    throw corrupt('header', `payload begins at ${hex(offset)}, past the end of the volume`, 104);
  }
  return {
    version: 1,
    slots: readSlots(bytes, { cipher, hash, keyBytes }),
    digestOf: () => digest,
    payload: {
      offset,
      sizeBytes: wholeSectors(source.sizeBytes - offset),
      cipher,
      sectorBytes: SECTOR_BYTES,
      firstSector: 0,
    },
  };
}

interface SlotTerms {
  readonly cipher: string;
  readonly hash: string;
  readonly keyBytes: number;
}

function readSlots(bytes: Uint8Array, terms: SlotTerms): readonly KeySlot[] {
  return Array.from({ length: LUKS1_SLOTS }, (_, number) => {
    const at = LUKS1_SLOTS_AT + number * LUKS1_SLOT_SIZE;
    const slot = bytes.subarray(at, at + LUKS1_SLOT_SIZE);
    const fields = readFields(slot, LUKS1_SLOT, { format: 'luks', offset: at });
    return fields.active === LUKS1_SLOT_ACTIVE ? [toKeySlot(number, { slot, fields, terms })] : [];
  }).flat();
}

interface StoredSlot {
  readonly slot: Uint8Array;
  readonly fields: Fields<typeof LUKS1_SLOT>;
  readonly terms: SlotTerms;
}

function toKeySlot(number: number, { slot, fields, terms }: StoredSlot): KeySlot {
  const { cipher, hash, keyBytes } = terms;
  return {
    number,
    derivation: { type: 'pbkdf2', hash, iterations: fields.iterations, salt: bytesAt(slot, LUKS1_SLOT_SALT) },
    material: { offset: fields['key-material-offset'] * SECTOR_BYTES, cipher, keyBytes },
    split: { keyBytes, stripes: fields.stripes, hash },
  };
}

/** What is left of a last sector at the end of a file is none. */
export function wholeSectors(sizeBytes: number, sectorBytes: number = SECTOR_BYTES): number {
  return Math.floor(sizeBytes / sectorBytes) * sectorBytes;
}

function bytesAt(bytes: Uint8Array, [offset, length]: readonly [number, number]): Uint8Array {
  return bytes.slice(offset, offset + length);
}

function textAt(bytes: Uint8Array, name: keyof typeof LUKS1_BYTES): string {
  const text = new TextDecoder('latin1').decode(bytesAt(bytes, LUKS1_BYTES[name]));
  return text.slice(0, text.indexOf('\0') === -1 ? text.length : text.indexOf('\0'));
}
