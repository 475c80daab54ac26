import type { ByteSource } from '../../source/byte-source.ts';
import { CachedSource } from '../../source/cached-source.ts';
import { checkRange } from '../../source/range.ts';
import { readInto } from '../../source/read-into.ts';
import { type BootSector, type Geometry, readBootSector } from './boot-sector.ts';

const CACHE = { blockBytes: 16 * 1024, budgetBytes: 8 * 1024 * 1024 };

/** The bytes of an NTFS volume: structures through a cache, and content, which is read once, past it. */
export class NtfsVolume {
  readonly geometry: Geometry;
  readonly isBackupBoot: boolean;
  readonly content: ByteSource;
  readonly metadata: ByteSource;

  constructor(source: ByteSource) {
    const boot: BootSector = readBootSector(source);
    this.geometry = boot.geometry;
    this.isBackupBoot = boot.isBackup;
    this.content = new PresentBytes(source);
    this.metadata = new PresentBytes(new CachedSource(source, CACHE));
  }
}

/** What is said to be on the volume is in the image, or the image is cut. */
class PresentBytes implements ByteSource {
  readonly sizeBytes: number;
  readonly #source: ByteSource;

  constructor(source: ByteSource) {
    this.sizeBytes = source.sizeBytes;
    this.#source = source;
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length, { format: 'ntfs' });
    return this.#source.read(offset, length);
  }

  readInto(offset: number, target: Uint8Array): void {
    checkRange(this, offset, target.length, { format: 'ntfs' });
    readInto(this.#source, offset, target);
  }
}
