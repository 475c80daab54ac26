import { unsupported } from './error.ts';
import { FILTER_NAMES } from './layout.ts';
import { x86Converter } from './x86.ts';

type Emit = (piece: Uint8Array) => void;

/** Undoes a filter on bytes that come in pieces. */
export interface Filter {
  push(piece: Uint8Array): void;
  finish(): void;
}

/**
 * Turns the addresses of branches back from absolute to relative, in place. `position` is where `bytes` are in the whole.
 * @returns how many bytes are done with; the rest comes again with more behind it
 */
export type Converter = (bytes: Uint8Array, position: number) => number;

const CONVERTERS: Readonly<Record<string, () => Converter>> = {
  x86: x86Converter,
  powerpc: () => wordConverter(convertPowerPc),
  arm: () => wordConverter(convertArm),
  armthumb: () => convertThumb,
  sparc: () => wordConverter(convertSparc),
  arm64: () => wordConverter(convertArm64),
};

/** The inverse of a filter of a block header, in front of `emit`. */
export function makeFilter(id: number, properties: Uint8Array, offset: number, emit: Emit): Filter {
  const name = FILTER_NAMES.get(id);
  if (name === 'delta' && properties.length === 1) return new DeltaFilter((properties[0] as number) + 1, emit);
  const converter = name === undefined ? undefined : CONVERTERS[name];
  if (converter === undefined) throw unsupported('block', `filter "${name ?? id}" cannot be undone yet`, offset);
  return new BranchFilter(converter(), readStart(properties, name, offset), emit);
}

/** Where the first byte counts as being: zero, unless a writer says otherwise. */
function readStart(properties: Uint8Array, name: string | undefined, offset: number): number {
  if (properties.length === 0) return 0;
  if (properties.length === 4) return Buffer.from(properties).readUInt32LE();
  throw unsupported('block', `filter "${name}" has ${properties.length} bytes of properties, expected 0 or 4`, offset);
}

/** Each byte is stored as its difference from the one `distance` before. */
class DeltaFilter implements Filter {
  readonly #history: Uint8Array;
  readonly #emit: Emit;
  #at = 0;

  constructor(distance: number, emit: Emit) {
    this.#history = new Uint8Array(distance);
    this.#emit = emit;
  }

  push(piece: Uint8Array): void {
    const history = this.#history;
    const bytes = new Uint8Array(piece.length);
    for (let index = 0; index < piece.length; index++) {
      const byte = ((piece[index] as number) + (history[this.#at] as number)) & 0xff;
      bytes[index] = byte;
      history[this.#at] = byte;
      this.#at = this.#at + 1 === history.length ? 0 : this.#at + 1;
    }
    this.#emit(bytes);
  }

  finish(): void {}
}

class BranchFilter implements Filter {
  readonly #convert: Converter;
  readonly #emit: Emit;
  #position: number;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(convert: Converter, start: number, emit: Emit) {
    this.#convert = convert;
    this.#position = start;
    this.#emit = emit;
  }

  push(piece: Uint8Array): void {
    const bytes = new Uint8Array(this.#rest.length + piece.length);
    bytes.set(this.#rest);
    bytes.set(piece, this.#rest.length);
    const done = this.#convert(bytes, this.#position);
    this.#position += done;
    this.#rest = bytes.subarray(done);
    this.#emit(bytes.subarray(0, done));
  }

  /** What is too short for an instruction stays as it is. */
  finish(): void {
    this.#emit(this.#rest);
  }
}

type ConvertWord = (view: DataView, at: number, position: number) => void;

/** For machines whose instructions are aligned words of four bytes. */
function wordConverter(convert: ConvertWord): Converter {
  return (bytes, position) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const done = bytes.length & ~3;
    for (let at = 0; at < done; at += 4) convert(view, at, (position + at) | 0);
    return done;
  };
}

/** `bl` with an absolute address bit that is off and a link bit that is on. */
function convertPowerPc(view: DataView, at: number, position: number): void {
  const word = view.getUint32(at);
  if ((word & 0xfc000003) >>> 0 !== 0x48000001) return;
  view.setUint32(at, 0x48000001 | (((word & 0x03fffffc) - position) & 0x03fffffc));
}

/** `bl` that is always taken counts in words, from two instructions on. */
function convertArm(view: DataView, at: number, position: number): void {
  const word = view.getUint32(at, true);
  if (word >>> 24 !== 0xeb) return;
  const address = ((word & 0xffffff) << 2) - (position + 8);
  view.setUint32(at, 0xeb000000 | ((address >>> 2) & 0xffffff), true);
}

/** `call`, whose 30 bits of words are in range when the upper ones are all alike. */
function convertSparc(view: DataView, at: number, position: number): void {
  const word = view.getUint32(at);
  const top = word >>> 22;
  if (top !== 0x100 && top !== 0x1ff) return;
  const address = ((word << 2) - position) >>> 2;
  const sign = (((0 - ((address >>> 22) & 1)) << 22) & 0x3fffffff) | (address & 0x3fffff);
  view.setUint32(at, 0x40000000 | sign);
}

const ADRP_RANGE = 0x20000;

/** `bl` counts in words; `adrp` in pages, of which only the near ones are converted. */
function convertArm64(view: DataView, at: number, position: number): void {
  const word = view.getUint32(at, true);
  if (word >>> 26 === 0x25) {
    view.setUint32(at, 0x94000000 | ((word - (position >>> 2)) & 0x03ffffff), true);
  } else if ((word & 0x9f000000) >>> 0 === 0x90000000) {
    const page = ((word >>> 29) & 3) | ((word >>> 3) & 0x1ffffc);
    if (((page + ADRP_RANGE) & 0x1c0000) !== 0) return;
    const target = page - (position >>> 12);
    const low = (target & 3) << 29;
    const high = (target & 0x3fffc) << 3;
    const sign = (0 - (target & ADRP_RANGE)) & 0xe00000;
    view.setUint32(at, (word & 0x9000001f) | low | high | sign, true);
  }
}

/** `bl` of Thumb is two halves of two bytes each, aligned to two. */
function convertThumb(bytes: Uint8Array, position: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  for (; at + 4 <= bytes.length; at += 2) {
    const first = view.getUint16(at, true);
    const second = view.getUint16(at + 2, true);
    if (first >>> 11 !== 0x1e || second >>> 11 !== 0x1f) continue;
    const absolute = ((first & 0x7ff) << 12) | ((second & 0x7ff) << 1);
    const address = (absolute - (position + at + 4)) >>> 1;
    view.setUint16(at, 0xf000 | ((address >>> 11) & 0x7ff), true);
    view.setUint16(at + 2, 0xf800 | (address & 0x7ff), true);
    at += 2;
  }
  return at;
}
