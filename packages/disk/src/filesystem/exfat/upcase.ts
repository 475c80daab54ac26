import { checksum32 } from './checksum.ts';

/** In the table, says that the next word is how many characters stay what they are. */
const UNCHANGED = 0xffff;
const CHARACTERS = 0x10000;
/** Of a table in which no characters are left out. */
export const MAX_UPCASE_BYTES = CHARACTERS * 2;

/** Every character as it is; to copy it takes a hundredth of the time to make it. */
const ALL = Uint16Array.from({ length: CHARACTERS }, (_, character) => character);

/** Capital letters as the volume itself defines them. */
export class UpcaseTable {
  readonly #capitals = ALL.slice();

  constructor(stored: Uint8Array) {
    const view = new DataView(stored.buffer, stored.byteOffset, stored.byteLength);
    let character = 0;
    for (let at = 0; at + 2 <= stored.length && character < CHARACTERS; at += 2) {
      const word = view.getUint16(at, true);
      if (word === UNCHANGED && at + 4 <= stored.length) {
        at += 2;
        character += view.getUint16(at, true);
      } else this.#capitals[character++] = word;
    }
  }

  /** A name in capitals. */
  fold(name: string): string {
    let folded = '';
    for (let index = 0; index < name.length; index++) {
      folded += String.fromCharCode(this.#capitals[name.charCodeAt(index)] as number);
    }
    return folded;
  }
}

export function isSoundUpcase(stored: Uint8Array, checksum: number): boolean {
  return stored.length > 0 && checksum32(stored) === checksum;
}
