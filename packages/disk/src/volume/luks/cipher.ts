import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { quote } from '../../quote.ts';
import { unsupported } from './error.ts';
import { knownHash } from './key-derivation.ts';
import { SECTOR_BYTES } from './layout.ts';

/** Decrypts whole sectors, in place of the kernel's dm-crypt. */
export interface SectorCipher {
  /** Unit of encryption, in bytes: 512 to 4096. */
  readonly sectorBytes: number;
  /** @param first number of the first sector in units of 512 bytes, whatever `sectorBytes` is: as dm-crypt counts */
  decrypt(bytes: Uint8Array, first: number): Uint8Array;
}

export interface CipherSpec {
  /** As dm-crypt spells it: `aes-xts-plain64`, `aes-cbc-essiv:sha256`. */
  readonly name: string;
  readonly key: Uint8Array;
  readonly sectorBytes: number;
  /** Vectors count sectors as large as they are: dm-crypt's `iv_large_sectors`. */
  readonly numbersWholeSectors?: boolean;
}

/** @throws DiskError `unsupported` for a cipher, mode or key size that is not known here */
export function createSectorCipher(spec: CipherSpec): SectorCipher {
  const [cipher, mode, ...iv] = spec.name.toLowerCase().split('-');
  const makeMode = cipher === 'aes' && mode !== undefined ? MODES[mode] : undefined;
  if (makeMode === undefined) throw unknownCipher(spec.name);
  return makeMode(spec, iv.join('-'));
}

/** The length of the key that a cipher needs is free within these, in bytes. */
const AES_KEY_BYTES: readonly number[] = [16, 24, 32];

const MODES: Readonly<Record<string, (spec: CipherSpec, iv: string) => SectorCipher>> = {
  xts: (spec, iv) => new XtsCipher(spec, iv),
  cbc: (spec, iv) => new CbcCipher(spec, iv),
};

/**
 * AES of single blocks: the modes are built on it here, because a cipher object of OpenSSL for each sector costs more than
 * the decryption. Whole blocks come out of `update` at once when nothing is padded.
 */
class BlockCipher {
  readonly #cipher: { update(bytes: Uint8Array): Uint8Array };

  constructor(key: Uint8Array, direction: 'encrypt' | 'decrypt', name: string) {
    if (!AES_KEY_BYTES.includes(key.length)) throw unknownCipher(`${name} with a key of ${key.length} bytes`);
    const algorithm = `aes-${key.length * 8}-ecb`;
    const create = direction === 'encrypt' ? createCipheriv : createDecipheriv;
    this.#cipher = create(algorithm, key, null).setAutoPadding(false);
  }

  run(bytes: Uint8Array): Uint8Array {
    return this.#cipher.update(bytes);
  }
}

const BLOCK_BYTES = 16;
const BLOCK_WORDS = 4;

/** IEEE 1619: each block is masked, before and after, by the encrypted sector number times a power of two. */
class XtsCipher implements SectorCipher {
  readonly sectorBytes: number;
  readonly #blocks: BlockCipher;
  readonly #tweaks: BlockCipher;
  readonly #number: SectorNumber;

  constructor({ name, key, sectorBytes, numbersWholeSectors = false }: CipherSpec, iv: string) {
    this.sectorBytes = sectorBytes;
    // the two halves of the key are those of two ciphers
    this.#blocks = new BlockCipher(key.subarray(0, key.length / 2), 'decrypt', name);
    this.#tweaks = new BlockCipher(key.subarray(key.length / 2), 'encrypt', name);
    this.#number = numberOf(iv, name, numbersWholeSectors ? sectorBytes : SECTOR_BYTES);
  }

  decrypt(bytes: Uint8Array, first: number): Uint8Array {
    const masks = this.#masks(bytes.length, first);
    return xor(this.#blocks.run(xor(bytes, masks)), masks);
  }

  #masks(length: number, first: number): Uint32Array {
    const sectors = length / this.sectorBytes;
    const numbers = sectorNumbers(sectors, { first, step: this.sectorBytes / SECTOR_BYTES, write: this.#number });
    const tweaks = words(this.#tweaks.run(numbers));
    const masks = new Uint32Array(length / 4);
    const wordsOfSector = this.sectorBytes / 4;
    for (let sector = 0; sector < sectors; sector++) {
      masks.set(tweaks.subarray(sector * BLOCK_WORDS, (sector + 1) * BLOCK_WORDS), sector * wordsOfSector);
      doubleOnwards(masks, sector * wordsOfSector, (sector + 1) * wordsOfSector);
    }
    return masks;
  }
}

/** Fills the blocks after the first with its doubles in GF(2^128), little-endian. */
function doubleOnwards(masks: Uint32Array, start: number, end: number): void {
  let [a = 0, b = 0, c = 0, d = 0] = masks.subarray(start, start + BLOCK_WORDS);
  for (let at = start + BLOCK_WORDS; at < end; at += BLOCK_WORDS) {
    const carry = d >>> 31 === 1 ? 0x87 : 0;
    d = (d << 1) | (c >>> 31);
    c = (c << 1) | (b >>> 31);
    b = (b << 1) | (a >>> 31);
    a = (a << 1) ^ carry;
    masks[at] = a;
    masks[at + 1] = b;
    masks[at + 2] = c;
    masks[at + 3] = d;
  }
}

/** Each block is masked after decryption by the encrypted one before it, the first of a sector by its initialisation vector. */
class CbcCipher implements SectorCipher {
  readonly sectorBytes: number;
  readonly #blocks: BlockCipher;
  readonly #vectors: Vectors;

  constructor(spec: CipherSpec, iv: string) {
    const { name, key, sectorBytes } = spec;
    this.sectorBytes = sectorBytes;
    this.#blocks = new BlockCipher(key, 'decrypt', name);
    this.#vectors = vectorsOf(spec, iv);
  }

  decrypt(bytes: Uint8Array, first: number): Uint8Array {
    const { sectorBytes } = this;
    const step = sectorBytes / SECTOR_BYTES;
    const sectors = bytes.length / sectorBytes;
    const { write, encrypting } = this.#vectors;
    const numbers = sectorNumbers(sectors, { first, step, write });
    const vectors = encrypting === undefined ? numbers : encrypting.run(numbers);
    const masks = new Uint8Array(bytes.length);
    for (let sector = 0; sector < sectors; sector++) {
      const start = sector * sectorBytes;
      masks.set(vectors.subarray(sector * BLOCK_BYTES, (sector + 1) * BLOCK_BYTES), start);
      masks.set(bytes.subarray(start, start + sectorBytes - BLOCK_BYTES), start + BLOCK_BYTES);
    }
    return xor(this.#blocks.run(bytes), words(masks));
  }
}

/** A number for each sector, as it is or encrypted. */
interface Vectors {
  readonly write: SectorNumber;
  readonly encrypting?: BlockCipher;
}

/** `essiv:HASH` encrypts the number of the sector with a hash of the key, `eboiv` its offset with the key itself. */
function vectorsOf({ name, key }: CipherSpec, iv: string): Vectors {
  if (iv === 'eboiv') return { write: writeOffset64, encrypting: new BlockCipher(key, 'encrypt', name) };
  const [kind, hash] = iv.split(':');
  if (kind === 'essiv' && hash !== undefined) return { write: writeNumber64, encrypting: essiv(key, hash, name) };
  return { write: numberOf(iv, name) };
}

function essiv(key: Uint8Array, hash: string, name: string): BlockCipher {
  try {
    return new BlockCipher(createHash(knownHash(hash)).update(key).digest(), 'encrypt', name);
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause) throw unknownCipher(name);
    throw cause;
  }
}

type SectorNumber = (view: DataView, at: number, sector: number) => void;

const writeNumber64: SectorNumber = (view, at, sector) => {
  view.setUint32(at, sector >>> 0, true);
  view.setUint32(at + 4, Math.floor(sector / 2 ** 32), true);
};

const writeOffset64: SectorNumber = (view, at, sector) => writeNumber64(view, at, sector * SECTOR_BYTES);

const NUMBERS: Readonly<Record<string, SectorNumber>> = {
  plain64: writeNumber64,
  // the low half of the number only: it starts again after 2 TiB
  plain: (view, at, sector) => view.setUint32(at, sector >>> 0, true),
  plain64be: (view, at, sector) => {
    view.setUint32(at + 8, Math.floor(sector / 2 ** 32));
    view.setUint32(at + 12, sector >>> 0);
  },
};

function numberOf(iv: string, name: string, unitBytes: number = SECTOR_BYTES): SectorNumber {
  const write = NUMBERS[iv];
  if (write === undefined) throw unknownCipher(name);
  if (unitBytes === SECTOR_BYTES) return write;
  return (view, at, sector) => write(view, at, sector / (unitBytes / SECTOR_BYTES));
}

interface Numbering {
  readonly first: number;
  readonly step: number;
  readonly write: SectorNumber;
}

function sectorNumbers(sectors: number, { first, step, write }: Numbering): Uint8Array {
  const numbers = new Uint8Array(sectors * BLOCK_BYTES);
  const view = new DataView(numbers.buffer);
  for (let sector = 0; sector < sectors; sector++) write(view, sector * BLOCK_BYTES, first + sector * step);
  return numbers;
}

function xor(bytes: Uint8Array, masks: Uint32Array): Uint8Array {
  const source = words(bytes);
  const result = new Uint32Array(masks.length);
  for (let index = 0; index < masks.length; index++) result[index] = (source[index] ?? 0) ^ (masks[index] ?? 0);
  return new Uint8Array(result.buffer);
}

/** The same bytes as words; a copy where they do not begin at a multiple of four. */
function words(bytes: Uint8Array): Uint32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
}

function unknownCipher(name: string) {
  return unsupported(
    'volume',
    `its cipher is ${quote(name)}, expected aes-xts or aes-cbc with plain, plain64 or essiv`,
    0,
  );
}
