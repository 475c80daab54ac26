import type { ByteSource } from '../../source/byte-source.ts';
import type { LuksHeader } from '../../volume/luks/key-slot.ts';
import { decryptPayload, readLuksHeader, unlockWith } from '../../volume/luks/open.ts';
import type { DiskImage, Extent, ImageContext, ImageFacts } from '../image.ts';

export function openLuksImage(source: ByteSource, { unlocking }: ImageContext): DiskImage {
  const header = readLuksHeader(source);
  const key = unlockWith(source, header, unlocking);
  return new LuksImage(decryptPayload(source, header.payload, key), factsOf(source, header));
}

function factsOf(source: ByteSource, { version, slots, payload }: LuksHeader): ImageFacts {
  return {
    format: 'luks',
    virtual_size: payload.sizeBytes,
    file_size: source.sizeBytes,
    details: { version, cipher: payload.cipher, sector_size: payload.sectorBytes, key_slots: slots.length },
    chain: [],
    warnings: [],
  };
}

class LuksImage implements DiskImage {
  readonly sizeBytes: number;
  readonly facts: ImageFacts;
  readonly #plain: ByteSource;

  constructor(plain: ByteSource, facts: ImageFacts) {
    this.#plain = plain;
    this.facts = facts;
    this.sizeBytes = plain.sizeBytes;
  }

  read(offset: number, length: number): Uint8Array {
    return this.#plain.read(offset, length);
  }

  /** What was never written decrypts to noise, so that all of it is data. */
  *extents(from = 0, to = this.sizeBytes): Iterable<Extent> {
    if (from < to) yield { offset: from, length: to - from, kind: 'data' };
  }
}
