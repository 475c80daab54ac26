import { corrupt } from './corrupt.ts';
import type { NtfsFile } from './file.ts';
import { ATTRIBUTE_TYPE, UPCASE_CHARACTERS } from './layout.ts';

/** Capital letters as the volume itself defines them: by them names are sorted, and are the same. */
export class UpcaseTable {
  readonly #capitals: Uint16Array;

  /** @throws DiskError `corrupt` when the table is not whole */
  constructor(file: NtfsFile) {
    const content = file.metadata(ATTRIBUTE_TYPE.DATA);
    if (content?.sizeBytes !== UPCASE_CHARACTERS * 2) {
      throw corrupt(
        `Cannot read upcase table: it has ${content?.sizeBytes ?? 0} bytes, expected 131072`,
        file.record.offset,
      );
    }
    const bytes = content.read(0, content.sizeBytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#capitals = new Uint16Array(UPCASE_CHARACTERS);
    for (let index = 0; index < UPCASE_CHARACTERS; index++) this.#capitals[index] = view.getUint16(index * 2, true);
  }

  /** The order of two names in a folder, in which names that differ in case only are the same. */
  compare(one: Uint16Array, other: Uint16Array): number {
    const shared = Math.min(one.length, other.length);
    for (let index = 0; index < shared; index++) {
      const order = this.#capitalAt(one, index) - this.#capitalAt(other, index);
      if (order !== 0) return order;
    }
    return one.length - other.length;
  }

  #capitalAt(name: Uint16Array, index: number): number {
    return this.#capitals[name[index] as number] as number;
  }
}
