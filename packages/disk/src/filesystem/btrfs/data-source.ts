import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { matches } from './checksum.ts';
import { readChecksums } from './checksum-tree.ts';
import { corrupt, firstThatWorks } from './error.ts';
import type { BtrfsVolume } from './volume.ts';

/** The content of files by its address, as it is on the devices. What has a checksum is compared with it. */
export class DataSource implements ByteSource {
  readonly sizeBytes = Number.MAX_SAFE_INTEGER;
  readonly #volume: BtrfsVolume;
  readonly #isChecked: boolean;

  constructor(volume: BtrfsVolume, { isChecked }: { readonly isChecked: boolean }) {
    this.#volume = volume;
    this.#isChecked = isChecked;
  }

  read(address: number, length: number): Uint8Array {
    if (!this.#isChecked || length === 0) return this.#readAnyCopy(address, length);
    const { sectorSize } = this.#volume.superblock;
    const start = address - (address % sectorSize);
    const end = Math.ceil((address + length) / sectorSize) * sectorSize;
    return this.#readChecked(start, end).subarray(address - start, address - start + length);
  }

  #readAnyCopy(address: number, length: number): Uint8Array {
    const { addresses } = this.#volume;
    return firstThatWorks(addresses.waysTo(address), (way) => addresses.read(address, length, way));
  }

  #readChecked(start: number, end: number): Uint8Array {
    const { superblock, checksums } = this.#volume;
    const { sectorSize, checksum } = superblock;
    let bytes = this.#readAnyCopy(start, end - start);
    let isOwn = false;
    for (const { address, stored } of readChecksums(checksums, { start, end, sectorSize, size: checksum.size })) {
      const at = address - start;
      if (matches(checksum, bytes.subarray(at, at + sectorSize), stored)) continue;
      const repaired = this.#readOtherCopy(address, stored);
      // what a source hands out may be shared
      if (!isOwn) bytes = Uint8Array.from(bytes);
      isOwn = true;
      bytes.set(repaired, at);
    }
    return bytes;
  }

  #readOtherCopy(address: number, stored: Uint8Array): Uint8Array {
    const { addresses, superblock } = this.#volume;
    const { sectorSize, checksum } = superblock;
    return firstThatWorks(addresses.waysTo(address), (way) => {
      const sector = addresses.read(address, sectorSize, way);
      if (matches(checksum, sector, stored)) return sector;
      throw corrupt(`Cannot read content at ${hex(address)}: its ${checksum.name} checksum is wrong`, address);
    });
  }
}
