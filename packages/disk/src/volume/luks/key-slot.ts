import { timingSafeEqual } from 'node:crypto';
import type { ByteSource } from '../../source/byte-source.ts';
import type { KeyWork, Unlocking } from '../unlocking.ts';
import { mergeStripes, type Split } from './anti-forensic.ts';
import { createSectorCipher } from './cipher.ts';
import { corrupt } from './error.ts';
import { deriveKey, type KeyDerivation } from './key-derivation.ts';
import { LIMIT, SECTOR_BYTES } from './layout.ts';

/** Where a volume key lies, split and encrypted with a key that is derived from a passphrase. Offsets in bytes. */
export interface KeySlot {
  readonly number: number;
  readonly derivation: KeyDerivation;
  readonly material: {
    readonly offset: number;
    readonly cipher: string;
    /** Length of the key that the material is encrypted with. */
    readonly keyBytes: number;
  };
  readonly split: Split;
}

/** What tells whether a volume key is the right one. */
export interface KeyDigest {
  readonly derivation: KeyDerivation;
  readonly digest: Uint8Array;
}

/** A description of a LUKS volume from its header, all of it compared with bounds. */
export interface LuksHeader {
  readonly version: 1 | 2;
  readonly slots: readonly KeySlot[];
  digestOf(slot: KeySlot): KeyDigest;
  readonly payload: LuksPayload;
}

export interface LuksPayload {
  readonly offset: number;
  /** Of the plain text. */
  readonly sizeBytes: number;
  readonly cipher: string;
  readonly sectorBytes: number;
  /** Number of the first sector, for initialisation vectors. */
  readonly firstSector: number;
}

/** The volume key, by the first slot that any of the passphrases opens; `undefined` when none does. */
export function unlock(
  source: ByteSource,
  header: LuksHeader,
  { passphrases, work }: Unlocking,
): Uint8Array | undefined {
  for (const passphrase of passphrases) {
    for (const slot of header.slots) {
      const key = openSlot(source, slot, { passphrase, work });
      if (matches(key, header.digestOf(slot), work)) return key;
    }
  }
  return undefined;
}

interface Attempt {
  readonly passphrase: Uint8Array;
  readonly work: KeyWork;
}

function openSlot(source: ByteSource, slot: KeySlot, attempt: Attempt): Uint8Array {
  const { derivation, material, split, number } = slot;
  if (split.stripes < 1 || split.stripes > LIMIT.stripes) {
    throw corrupt(`key slot ${number}`, `it has ${split.stripes} stripes, expected 1 to ${LIMIT.stripes}`, 0);
  }
  const length = split.keyBytes * split.stripes;
  if (length > LIMIT.keyMaterialBytes || material.offset + length > source.sizeBytes) {
    throw corrupt(
      `key slot ${number}`,
      `its material of ${length} bytes does not fit into the volume`,
      material.offset,
    );
  }
  const key = deriveKey(derivation, { ...attempt, keyBytes: material.keyBytes });
  const cipher = createSectorCipher({ name: material.cipher, key, sectorBytes: SECTOR_BYTES });
  const whole = Math.ceil(length / SECTOR_BYTES) * SECTOR_BYTES;
  const stored = new Uint8Array(whole);
  stored.set(source.read(material.offset, Math.min(whole, source.sizeBytes - material.offset)));
  return mergeStripes(cipher.decrypt(stored, 0).subarray(0, length), split);
}

function matches(key: Uint8Array, { derivation, digest }: KeyDigest, work: KeyWork): boolean {
  const found = deriveKey(derivation, { passphrase: key, keyBytes: digest.length, work });
  return timingSafeEqual(found, digest);
}
