import { DiskError, type DiskErrorPlace } from './error.ts';

/** Plain names are little-endian; `be` is big-endian. `bits64` is a bigint, for flag words that use their high bits. */
export type FieldType =
  | 'u8'
  | 'i8'
  | 'u16'
  | 'u32'
  | 'i32'
  | 'u64'
  | 'bits64'
  | 'u16be'
  | 'u32be'
  | 'i32be'
  | 'u64be'
  | 'bits64be';

/** Where the fields of an on-disk structure are: name → offset in bytes and type. */
export type Layout = Readonly<Record<string, readonly [offset: number, type: FieldType]>>;

export type Fields<L extends Layout> = {
  readonly [Name in keyof L]: L[Name][1] extends 'bits64' | 'bits64be' ? bigint : number;
};

/**
 * Reads the fields of a structure that starts at the first of `bytes`. `place` says what the structure is and where, for errors.
 * @throws DiskError `corrupt` when `bytes` is too short, or a 64-bit number is above 2^53
 */
export function readFields<L extends Layout>(bytes: Uint8Array, layout: L, place: DiskErrorPlace = {}): Fields<L> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fields: Record<string, number | bigint> = {};
  for (const name in layout) {
    // by index: taking the pair apart costs as much as reading the number
    const field = layout[name] as Layout[string];
    fields[name] = readField(view, field[0], field[1], name, place);
  }
  return fields as Fields<L>;
}

const SIZES: Readonly<Record<FieldType, number>> = {
  u8: 1,
  i8: 1,
  u16: 2,
  u32: 4,
  i32: 4,
  u64: 8,
  bits64: 8,
  u16be: 2,
  u32be: 4,
  i32be: 4,
  u64be: 8,
  bits64be: 8,
};

function readField(view: DataView, offset: number, type: FieldType, name: string, place: DiskErrorPlace) {
  if (offset + SIZES[type] > view.byteLength) {
    const state = `structure ends after ${view.byteLength} bytes, expected ${offset + SIZES[type]}`;
    throw new DiskError('corrupt', `Cannot read field "${name}": ${state}`, at(place, offset));
  }
  const value = valueAt(view, offset, type);
  // every number is a size, a count or an offset: none is meaningful where doubles lose precision
  if (typeof value === 'number' && value > Number.MAX_SAFE_INTEGER) {
    throw new DiskError('corrupt', `Cannot read field "${name}": value is above 2^53`, at(place, offset));
  }
  return value;
}

/** A switch, the most frequent first: a table of functions takes twice as long. */
function valueAt(view: DataView, offset: number, type: FieldType): number | bigint {
  switch (type) {
    case 'u32':
      return view.getUint32(offset, true);
    case 'u16':
      return view.getUint16(offset, true);
    case 'u8':
      return view.getUint8(offset);
    case 'u64':
      return view.getUint32(offset + 4, true) * 2 ** 32 + view.getUint32(offset, true);
    case 'u32be':
      return view.getUint32(offset);
    case 'u16be':
      return view.getUint16(offset);
    case 'u64be':
      return view.getUint32(offset) * 2 ** 32 + view.getUint32(offset + 4);
    case 'i32':
      return view.getInt32(offset, true);
    case 'i32be':
      return view.getInt32(offset);
    case 'i8':
      return view.getInt8(offset);
    case 'bits64':
      return view.getBigUint64(offset, true);
    case 'bits64be':
      return view.getBigUint64(offset);
  }
}

function at(place: DiskErrorPlace, offset: number): DiskErrorPlace {
  return { ...place, offset: (place.offset ?? 0) + offset };
}
