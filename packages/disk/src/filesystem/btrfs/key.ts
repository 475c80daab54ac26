/**
 * What items of a tree are sorted by. Identifiers are unsigned 64-bit numbers, of which the highest few have a meaning and are
 * kept as the negative numbers they are written as: -6 comes behind all that are not negative.
 */
export interface Key {
  readonly objectId: number;
  readonly type: number;
  readonly offset: number;
}

/** Behind every other offset. */
export const LAST_OFFSET = -1;

export function key(objectId: number, type: number, offset: number): Key {
  return { objectId, type, offset };
}

export function readKey(view: DataView, at: number): Key {
  return { objectId: readId(view, at), type: view.getUint8(at + 8), offset: readId(view, at + 9) };
}

/** An identifier as keys have them. */
export function readId(view: DataView, at: number): number {
  return view.getInt32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}

export function writeKey(view: DataView, at: number, { objectId, type, offset }: Key): void {
  view.setBigInt64(at, BigInt(objectId), true);
  view.setUint8(at + 8, type);
  view.setBigInt64(at + 9, BigInt(offset), true);
}

export function compareKeys(one: Key, other: Key): number {
  return compareIds(one.objectId, other.objectId) || one.type - other.type || compareIds(one.offset, other.offset);
}

/** Compares the key that is stored at a place, without making an object of it: this is the inner loop of every search. */
export function compareStoredKey(view: DataView, at: number, other: Key): number {
  return (
    compareIds(readId(view, at), other.objectId) ||
    view.getUint8(at + 8) - other.type ||
    compareIds(readId(view, at + 9), other.offset)
  );
}

export function compareIds(one: number, other: number): number {
  return one < 0 === other < 0 ? one - other : other - one;
}

/** Whether a stored key comes before another one: exact, also where numbers lose precision. */
export function isBefore(view: DataView, one: number, other: number): boolean {
  const objectIds = compareStoredWords(view, one, other);
  if (objectIds !== 0) return objectIds < 0;
  const types = view.getUint8(one + 8) - view.getUint8(other + 8);
  return types === 0 ? compareStoredWords(view, one + 9, other + 9) < 0 : types < 0;
}

function compareStoredWords(view: DataView, one: number, other: number): number {
  return (
    view.getUint32(one + 4, true) - view.getUint32(other + 4, true) ||
    view.getUint32(one, true) - view.getUint32(other, true)
  );
}

export function describeKey({ objectId, type, offset }: Key): string {
  return `(${objectId} ${type} ${offset})`;
}
