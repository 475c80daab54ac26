/** A run of blocks of a file, and the number of the block that the first of them is kept in. */
export interface ExtentEntry {
  readonly first: number;
  readonly end: number;
  readonly physical: number;
  /** Allocated, but never written: reads as zeros. */
  readonly isUnwritten: boolean;
}

/** Unpacks 128 bits: 1 for unwritten, 54 of the place in the file, 52 of the place on disk, 21 of the length. */
export function extentEntry(view: DataView, at: number): ExtentEntry {
  const [a, b, c, d] = [view.getUint32(at), view.getUint32(at + 4), view.getUint32(at + 8), view.getUint32(at + 12)];
  const first = (a & 0x7fffffff) * 2 ** 23 + (b >>> 9);
  const physical = (b & 0x1ff) * 2 ** 43 + c * 2 ** 11 + (d >>> 21);
  return { first, end: first + (d & 0x1fffff), physical, isUnwritten: a >>> 31 === 1 };
}
