import type { ByteInput } from './byte-input.ts';
import { corrupt } from './error.ts';
import { LzmaDecoder, type LzmaProperties } from './lzma.ts';
import type { Window } from './window.ts';

// what the first byte of a chunk says
const END = 0x00;
const STORED_WITH_RESET = 0x01;
const STORED = 0x02;
const COMPRESSED = 0x80;
/** What an LZMA chunk resets, by bits 5 and 6; each includes those before it. */
const RESETS = { nothing: 0, state: 1, properties: 2, window: 3 } as const;

const MOST_CONTEXT_BITS = 4;

/** Decodes LZMA2 chunks into the window until their end. */
export function decodeLzma2(input: ByteInput, window: Window): void {
  new Lzma2Decoder(input, window).decode();
}

class Lzma2Decoder {
  readonly #input: ByteInput;
  readonly #window: Window;
  readonly #decoder: LzmaDecoder;
  // the least that the next LZMA chunk has to reset
  #due: number = RESETS.window;

  constructor(input: ByteInput, window: Window) {
    this.#input = input;
    this.#window = window;
    this.#decoder = new LzmaDecoder(window);
  }

  decode(): void {
    for (;;) {
      const at = this.#input.offset;
      const control = this.#input.byte();
      if (control === END) return;
      if (control >= COMPRESSED) this.#compressed(control, at);
      else if (control <= STORED) this.#stored(control, at);
      else throw corrupt('LZMA2 chunk', `its first byte is ${control}`, at);
      this.#window.flush();
    }
  }

  #stored(control: number, at: number): void {
    if (control === STORED_WITH_RESET) {
      this.#window.reset();
      this.#due = RESETS.properties;
    } else if (this.#due === RESETS.window) throw corrupt('LZMA2 chunk', 'the first one does not reset the window', at);
    const length = this.#number(2) + 1;
    this.#window.reserve(length);
    this.#window.put(this.#input.take(length));
  }

  #compressed(control: number, at: number): void {
    const length = ((control & 0x1f) << 16) + this.#number(2) + 1;
    const stored = this.#number(2) + 1;
    const resets = (control >> 5) & 3;
    if (resets < this.#due) throw corrupt('LZMA2 chunk', 'it resets less than it has to', at);
    this.#due = RESETS.nothing;
    if (resets === RESETS.window) this.#window.reset();
    if (resets >= RESETS.properties) this.#decoder.setProperties(this.#properties(at));
    else if (resets === RESETS.state) this.#decoder.reset();
    const offset = this.#input.offset;
    this.#decoder.decodeExactly(this.#input.take(stored), length, offset);
  }

  #properties(at: number): LzmaProperties {
    const properties = readLzmaProperties(this.#input.byte());
    if (
      properties !== undefined &&
      properties.literalContextBits + properties.literalPositionBits <= MOST_CONTEXT_BITS
    ) {
      return properties;
    }
    throw corrupt('LZMA2 chunk', 'its properties are out of range', at);
  }

  #number(bytes: number): number {
    let value = 0;
    for (let count = bytes; count > 0; count--) value = value * 256 + this.#input.byte();
    return value;
  }
}

/** The three numbers of bits that one byte holds, or `undefined` for one that holds none. */
export function readLzmaProperties(byte: number): LzmaProperties | undefined {
  if (byte >= 9 * 5 * 5) return undefined;
  const literalContextBits = byte % 9;
  const rest = (byte - literalContextBits) / 9;
  return { literalContextBits, literalPositionBits: rest % 5, positionBits: Math.floor(rest / 5) };
}
