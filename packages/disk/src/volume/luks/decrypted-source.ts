import type { ByteSource } from '../../source/byte-source.ts';
import { checkRange } from '../../source/range.ts';
import type { SectorCipher } from './cipher.ts';
import type { LuksPayload } from './key-slot.ts';
import { SECTOR_BYTES } from './layout.ts';

/** The plain text of an encrypted volume. Nothing in it is absent: what was never written decrypts to noise. */
export class DecryptedSource implements ByteSource {
  readonly sizeBytes: number;
  readonly #below: ByteSource;
  readonly #payload: LuksPayload;
  readonly #cipher: SectorCipher;

  constructor(below: ByteSource, payload: LuksPayload, cipher: SectorCipher) {
    this.#below = below;
    this.#payload = payload;
    this.#cipher = cipher;
    this.sizeBytes = payload.sizeBytes;
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length, { format: 'luks' });
    if (length === 0) return new Uint8Array(0);
    const { sectorBytes } = this.#cipher;
    const start = Math.floor(offset / sectorBytes) * sectorBytes;
    const end = Math.ceil((offset + length) / sectorBytes) * sectorBytes;
    const stored = this.#readSectors(start, end);
    const first = this.#payload.firstSector + start / SECTOR_BYTES;
    return this.#cipher.decrypt(stored, first).subarray(offset - start, offset - start + length);
  }

  /** Of a last sector that is cut short, the rest is zero. */
  #readSectors(start: number, end: number): Uint8Array {
    const within = this.#below.read(this.#payload.offset + start, Math.min(end, this.sizeBytes) - start);
    if (within.length === end - start) return within;
    const sectors = new Uint8Array(end - start);
    sectors.set(within);
    return sectors;
  }
}
