import { createCipheriv } from 'node:crypto';
import type { SectorCipher } from '../luks/cipher.ts';

const UNIT_BYTES = 512;
const BLOCK_BYTES = 16;
const SECTOR_KEY_BYTES = 32;
const A_ROTATIONS = [9, 0, 13, 0] as const;
const A_CYCLES = 5;
const B_ROTATIONS = [0, 10, 0, 25] as const;
const B_CYCLES = 3;

/** AES-CBC, then the diffusers B and A, then a mask that is of the sector: "AES-CBC + Elephant diffuser" (Ferguson, 2006). */
export class ElephantCipher implements SectorCipher {
  readonly sectorBytes: number;
  readonly #inner: SectorCipher;
  readonly #tweaks: { update(bytes: Uint8Array): Uint8Array };

  constructor(inner: SectorCipher, key: Uint8Array) {
    this.#inner = inner;
    this.sectorBytes = inner.sectorBytes;
    this.#tweaks = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
  }

  decrypt(bytes: Uint8Array, first: number): Uint8Array {
    const text = this.#inner.decrypt(bytes, first);
    const { sectorBytes } = this;
    const keys = this.#sectorKeys(text.length / sectorBytes, first);
    for (let at = 0, sector = 0; at < text.length; at += sectorBytes, sector++) {
      const words = new Int32Array(text.buffer, text.byteOffset + at, sectorBytes / 4);
      undoB(words);
      undoA(words);
      mask(text.subarray(at, at + sectorBytes), keys.subarray(sector * SECTOR_KEY_BYTES));
    }
    return text;
  }

  /** Of each sector: its offset in bytes, encrypted, and the same with the highest bit set. */
  #sectorKeys(sectors: number, first: number): Uint8Array {
    const offsets = new Uint8Array(sectors * SECTOR_KEY_BYTES);
    const view = new DataView(offsets.buffer);
    for (let sector = 0; sector < sectors; sector++) {
      const offset = first * UNIT_BYTES + sector * this.sectorBytes;
      for (const at of [sector * SECTOR_KEY_BYTES, sector * SECTOR_KEY_BYTES + BLOCK_BYTES]) {
        view.setUint32(at, offset >>> 0, true);
        view.setUint32(at + 4, Math.floor(offset / 2 ** 32), true);
      }
      offsets[(sector + 1) * SECTOR_KEY_BYTES - 1] = 0x80;
    }
    return this.#tweaks.update(offsets);
  }
}

function undoA(words: Int32Array): void {
  const { length } = words;
  for (let cycle = 0; cycle < A_CYCLES; cycle++) {
    for (let i = 0; i < length; i++) {
      const near = words[(i + length - 2) % length] as number;
      const far = words[(i + length - 5) % length] as number;
      words[i] = (words[i] as number) + (near ^ rotated(far, A_ROTATIONS[i % 4] as number));
    }
  }
}

function undoB(words: Int32Array): void {
  const { length } = words;
  for (let cycle = 0; cycle < B_CYCLES; cycle++) {
    for (let i = 0; i < length; i++) {
      const near = words[(i + 2) % length] as number;
      const far = words[(i + 5) % length] as number;
      words[i] = (words[i] as number) + (near ^ rotated(far, B_ROTATIONS[i % 4] as number));
    }
  }
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function mask(bytes: Uint8Array, key: Uint8Array): void {
  for (let at = 0; at < bytes.length; at++) bytes[at] = (bytes[at] as number) ^ (key[at % SECTOR_KEY_BYTES] as number);
}
