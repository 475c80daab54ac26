import { DiskError } from '../../error.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { MappedSource } from '../../source/extent.ts';
import { type Piece, PieceSource } from '../../source/piece-source.ts';
import { divide, multiply, power } from './galois-field.ts';
import type { Row, RowLayout } from './parity-layout.ts';

export interface ParityArray {
  /** In the order of the array; `undefined` for those that are missing. */
  readonly members: readonly (ByteSource | undefined)[];
  readonly level: 5 | 6;
  readonly layout: RowLayout;
  readonly chunkBytes: number;
  readonly sizeBytes: number;
}

/**
 * The data of an array of level 4, 5 or 6; what is on a missing member is computed from the others.
 * @throws DiskError `unsupported` when more members are missing than the parity makes up for
 */
export function joinParityArray(array: ParityArray): MappedSource {
  const { members, level, chunkBytes, sizeBytes } = array;
  const missing = members.filter((member) => member === undefined).length;
  if (missing > level - 4) {
    throw new DiskError('unsupported', `Cannot open array: ${missing} of its ${members.length} members are missing`);
  }
  const dataMembers = members.length - (level - 4);
  return new PieceSource(sizeBytes, (offset) => {
    const chunk = Math.floor(offset / chunkBytes);
    const row = Math.floor(chunk / dataMembers);
    const within = offset - chunk * chunkBytes;
    const place = { row, offset: row * chunkBytes + within, length: chunkBytes - within };
    return pieceOf(array, chunk % dataMembers, place);
  });
}

interface Place {
  readonly row: number;
  /** On each member. */
  readonly offset: number;
  readonly length: number;
}

function pieceOf(array: ParityArray, n: number, { row, offset, length }: Place): Piece {
  const layout = array.layout(row, array.members.length);
  const source = array.members[layout.data(n)];
  if (source !== undefined) return { kind: 'stored', source, offset, length };
  return {
    kind: 'computed',
    length,
    compute: (count) => new LostRow(array, layout, { offset, length: count }).data(n),
  };
}

/** One range of a row in which members are missing. */
class LostRow {
  readonly #array: ParityArray;
  readonly #row: Row;
  readonly #range: { readonly offset: number; readonly length: number };
  readonly #dataCount: number;

  constructor(array: ParityArray, row: Row, range: { readonly offset: number; readonly length: number }) {
    this.#array = array;
    this.#row = row;
    this.#range = range;
    this.#dataCount = array.members.length - (array.level - 4);
  }

  data(lost: number): Uint8Array {
    const parity = this.#read(this.#row.parity);
    const other = this.#otherLost(lost);
    if (other !== undefined) return this.#solveBoth(lost, other);
    return parity === undefined ? this.#bySecond(lost) : this.#xorWithout(lost, parity);
  }

  #read(member: number | undefined): Uint8Array | undefined {
    const { offset, length } = this.#range;
    return member === undefined ? undefined : this.#array.members[member]?.read(offset, length);
  }

  #otherLost(lost: number): number | undefined {
    const numbers = Array.from({ length: this.#dataCount }, (_, n) => n);
    return numbers.find((n) => n !== lost && this.#array.members[this.#row.data(n)] === undefined);
  }

  /** The first parity is the sum of all data. */
  #xorWithout(lost: number, parity: Uint8Array): Uint8Array {
    const sum = Uint8Array.from(parity);
    for (let n = 0; n < this.#dataCount; n++) if (n !== lost) add(sum, this.#read(this.#row.data(n)));
    return sum;
  }

  /** The second is the sum of all data, each times its power of two. */
  #bySecond(lost: number): Uint8Array {
    const sum = this.#secondWithout(lost, lost);
    const factor = power(this.#exponent(lost));
    return sum.map((byte) => divide(byte, factor));
  }

  /** Two equations for two unknowns: their sum, and their sum with factors. */
  #solveBoth(lost: number, other: number): Uint8Array {
    const sum = Uint8Array.from(this.#read(this.#row.parity) ?? []);
    for (let n = 0; n < this.#dataCount; n++) if (n !== lost && n !== other) add(sum, this.#read(this.#row.data(n)));
    const weighed = this.#secondWithout(lost, other);
    const [a, b] = [power(this.#exponent(lost)), power(this.#exponent(other))];
    return weighed.map((byte, index) => divide(byte ^ multiply(sum[index] ?? 0, b), a ^ b));
  }

  #secondWithout(lost: number, other: number): Uint8Array {
    const sum = Uint8Array.from(this.#read(this.#row.second) ?? []);
    for (let n = 0; n < this.#dataCount; n++) {
      if (n === lost || n === other) continue;
      const factor = power(this.#exponent(n));
      const data = this.#read(this.#row.data(n)) ?? new Uint8Array(sum.length);
      for (let index = 0; index < sum.length; index++) {
        sum[index] = (sum[index] ?? 0) ^ multiply(data[index] ?? 0, factor);
      }
    }
    return sum;
  }

  /** By its place among the members: counted behind the second parity, or, with DDF, from the first member and all of them. */
  #exponent(n: number): number {
    const { members, layout } = this.#array;
    const member = this.#row.data(n);
    if (layout.isDdf) return member;
    let exponent = 0;
    for (let at = ((this.#row.second ?? 0) + 1) % members.length; at !== member; at = (at + 1) % members.length) {
      if (at !== this.#row.parity) exponent += 1;
    }
    return exponent;
  }
}

function add(sum: Uint8Array, bytes: Uint8Array | undefined): void {
  for (let index = 0; index < sum.length; index++) sum[index] = (sum[index] ?? 0) ^ (bytes?.[index] ?? 0);
}
