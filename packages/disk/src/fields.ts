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
    const [offset, type] = layout[name] as Layout[string];
    fields[name] = readField(view, offset, type, name, place);
  }
  return fields as Fields<L>;
}

const READERS: Readonly<Record<FieldType, (view: DataView, offset: number) => number | bigint>> = {
  u8: (view, offset) => view.getUint8(offset),
  i8: (view, offset) => view.getInt8(offset),
  u16: (view, offset) => view.getUint16(offset, true),
  u32: (view, offset) => view.getUint32(offset, true),
  i32: (view, offset) => view.getInt32(offset, true),
  u64: (view, offset) => view.getUint32(offset + 4, true) * 2 ** 32 + view.getUint32(offset, true),
  bits64: (view, offset) => view.getBigUint64(offset, true),
  u16be: (view, offset) => view.getUint16(offset),
  u32be: (view, offset) => view.getUint32(offset),
  i32be: (view, offset) => view.getInt32(offset),
  u64be: (view, offset) => view.getUint32(offset) * 2 ** 32 + view.getUint32(offset + 4),
  bits64be: (view, offset) => view.getBigUint64(offset),
};

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
  const value = READERS[type](view, offset);
  // every number is a size, a count or an offset: none is meaningful where doubles lose precision
  if (typeof value === 'number' && value > Number.MAX_SAFE_INTEGER) {
    throw new DiskError('corrupt', `Cannot read field "${name}": value is above 2^53`, at(place, offset));
  }
  return value;
}

function at(place: DiskErrorPlace, offset: number): DiskErrorPlace {
  return { ...place, offset: (place.offset ?? 0) + offset };
}
