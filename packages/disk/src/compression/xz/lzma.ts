import { corrupt } from './error.ts';
import { EVEN, RangeDecoder } from './range-decoder.ts';
import type { Window } from './window.ts';

/** How literals and positions choose their probabilities. */
export interface LzmaProperties {
  readonly literalContextBits: number;
  readonly literalPositionBits: number;
  readonly positionBits: number;
}

// twelve states say of what kind the last few symbols were: below seven, the last one was a literal
const STATES = 12;
const FIRST_STATE_AFTER_MATCH = 7;
const STATE_AFTER_LITERAL = Uint8Array.of(0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 4, 5);
const POSITIONS = 16;

const SHORTEST_MATCH = 2;
const LENGTH_LOW_BITS = 3;
const LENGTH_HIGH_BITS = 8;
const LENGTH_LOW = 2;
const LENGTH_MIDDLE = LENGTH_LOW + (POSITIONS << LENGTH_LOW_BITS);
const LENGTH_HIGH = LENGTH_MIDDLE + (POSITIONS << LENGTH_LOW_BITS);
const LENGTH_PROBABILITIES = LENGTH_HIGH + (1 << LENGTH_HIGH_BITS);

const SLOT_BITS = 6;
const LENGTH_CLASSES = 4;
const FIRST_MODELLED_SLOT = 4;
const FIRST_DIRECT_SLOT = 14;
const MODELLED_DISTANCES = 128;
const ALIGN_BITS = 4;

// where each family of probabilities begins in one array
const IS_MATCH = 0;
const IS_REPEAT = IS_MATCH + STATES * POSITIONS;
const IS_REPEAT_0 = IS_REPEAT + STATES;
const IS_REPEAT_1 = IS_REPEAT_0 + STATES;
const IS_REPEAT_2 = IS_REPEAT_1 + STATES;
const IS_LONG_REPEAT_0 = IS_REPEAT_2 + STATES;
const SLOTS = IS_LONG_REPEAT_0 + STATES * POSITIONS;
const MODELLED = SLOTS + (LENGTH_CLASSES << SLOT_BITS);
const ALIGN = MODELLED + MODELLED_DISTANCES;
const MATCH_LENGTH = ALIGN + (1 << ALIGN_BITS);
const REPEAT_LENGTH = MATCH_LENGTH + LENGTH_PROBABILITIES;
const LITERALS = REPEAT_LENGTH + LENGTH_PROBABILITIES;
const PROBABILITIES_OF_LITERAL = 0x300;

/** Shorter copies are quicker byte by byte. */
const LONG_COPY = 32;

/** The distance that marks the end of a run of unknown length. */
const END_MARKER = -1;

/** Decodes runs of LZMA symbols into a window. What it has learned is kept from run to run, until it is reset. */
export class LzmaDecoder {
  readonly #range = new RangeDecoder();
  readonly #window: Window;
  #probabilities = new Uint16Array(0);
  #literalContextBits = 0;
  #literalPositionMask = 0;
  #positionMask = 0;
  #state = 0;
  // the four distances that were used last, each less one
  #distance0 = 0;
  #distance1 = 0;
  #distance2 = 0;
  #distance3 = 0;

  constructor(window: Window) {
    this.#window = window;
  }

  /** Takes other properties, and forgets what it has learned. */
  setProperties({ literalContextBits, literalPositionBits, positionBits }: LzmaProperties): void {
    this.#literalContextBits = literalContextBits;
    this.#literalPositionMask = (1 << literalPositionBits) - 1;
    this.#positionMask = (1 << positionBits) - 1;
    const length = LITERALS + (PROBABILITIES_OF_LITERAL << (literalContextBits + literalPositionBits));
    if (this.#probabilities.length !== length) this.#probabilities = new Uint16Array(length);
    this.reset();
  }

  /** Forgets what it has learned. */
  reset(): void {
    this.#probabilities.fill(EVEN);
    this.#state = 0;
    this.#distance0 = this.#distance1 = this.#distance2 = this.#distance3 = 0;
  }

  /** Decodes a run that holds exactly `length` bytes and takes exactly `input`, which is at `offset`. */
  decodeExactly(input: Uint8Array, length: number, offset: number): void {
    if (this.#decode(input, length, offset) || !this.#range.isSpent()) {
      throw corrupt('LZMA run', `it does not end with its ${input.length} bytes`, offset);
    }
  }

  /** Decodes at most `length` bytes. @returns whether an end marker was met */
  decodeAtMost(input: Uint8Array, length: number, offset: number): boolean {
    const hasEnded = this.#decode(input, length, offset);
    if (this.#range.isOverdrawn()) throw corrupt('LZMA run', 'it ends too early', offset);
    return hasEnded;
  }

  /** Whether an end marker follows what was decoded. */
  hasEndMarker(): boolean {
    const phase = (this.#window.position - this.#window.origin) & this.#positionMask;
    const isMatch = this.#range.bit(this.#probabilities, IS_MATCH + this.#state * POSITIONS + phase) === 1;
    if (!isMatch) return false;
    this.#matchedLength(phase);
    return this.#distance0 === END_MARKER && !this.#range.isOverdrawn();
  }

  /** Symbol after symbol: a literal, or a match with what came before. */
  #decode(input: Uint8Array, length: number, offset: number): boolean {
    if (!this.#range.begin(input)) throw corrupt('LZMA run', 'its first bytes are no range code', offset);
    const window = this.#window;
    window.reserve(length);
    const end = window.position + length;
    const range = this.#range;
    const probabilities = this.#probabilities;
    const positionMask = this.#positionMask;
    const origin = window.origin;
    while (window.position < end) {
      const phase = (window.position - origin) & positionMask;
      if (range.bit(probabilities, IS_MATCH + this.#state * POSITIONS + phase) === 0) {
        this.#literal();
        continue;
      }
      const matched = this.#matchedLength(phase);
      if (this.#distance0 === END_MARKER) return true;
      this.#copy(matched, end, offset);
    }
    return false;
  }

  #literal(): void {
    const { buffer, position, origin } = this.#window;
    const previous = position > origin ? (buffer[position - 1] as number) : 0;
    const low = (position - origin) & this.#literalPositionMask;
    const context = (low << this.#literalContextBits) + (previous >> (8 - this.#literalContextBits));
    const base = LITERALS + PROBABILITIES_OF_LITERAL * context;
    buffer[position] =
      this.#state < FIRST_STATE_AFTER_MATCH
        ? this.#range.tree(this.#probabilities, base, 8)
        : // what ends a match is not what the match would go on with
          this.#range.agreeingTree(this.#probabilities, base, buffer[position - this.#distance0 - 1] as number);
    this.#window.position = position + 1;
    this.#state = STATE_AFTER_LITERAL[this.#state] as number;
  }

  /** Sets the distance, and returns the length, of the match that follows. */
  #matchedLength(phase: number): number {
    const range = this.#range;
    const probabilities = this.#probabilities;
    const state = this.#state;
    if (range.bit(probabilities, IS_REPEAT + state) === 0) return this.#newMatch(phase);
    if (range.bit(probabilities, IS_REPEAT_0 + state) === 0) {
      if (range.bit(probabilities, IS_LONG_REPEAT_0 + state * POSITIONS + phase) === 0) {
        this.#state = state < FIRST_STATE_AFTER_MATCH ? 9 : 11;
        return 1;
      }
    } else this.#recallDistance(state);
    this.#state = state < FIRST_STATE_AFTER_MATCH ? 8 : 11;
    return this.#length(REPEAT_LENGTH, phase);
  }

  /** Brings one of the three older distances to the front. */
  #recallDistance(state: number): void {
    let distance = this.#distance1;
    if (this.#range.bit(this.#probabilities, IS_REPEAT_1 + state) !== 0) {
      distance = this.#distance2;
      if (this.#range.bit(this.#probabilities, IS_REPEAT_2 + state) !== 0) {
        distance = this.#distance3;
        this.#distance3 = this.#distance2;
      }
      this.#distance2 = this.#distance1;
    }
    this.#distance1 = this.#distance0;
    this.#distance0 = distance;
  }

  #newMatch(phase: number): number {
    this.#distance3 = this.#distance2;
    this.#distance2 = this.#distance1;
    this.#distance1 = this.#distance0;
    this.#state = this.#state < FIRST_STATE_AFTER_MATCH ? 7 : 10;
    const length = this.#length(MATCH_LENGTH, phase);
    this.#distance0 = this.#distance(length);
    return length;
  }

  #length(base: number, phase: number): number {
    const range = this.#range;
    const probabilities = this.#probabilities;
    const within = phase << LENGTH_LOW_BITS;
    if (range.bit(probabilities, base) === 0) {
      return SHORTEST_MATCH + range.tree(probabilities, base + LENGTH_LOW + within, LENGTH_LOW_BITS);
    }
    if (range.bit(probabilities, base + 1) === 0) {
      return SHORTEST_MATCH + 8 + range.tree(probabilities, base + LENGTH_MIDDLE + within, LENGTH_LOW_BITS);
    }
    return SHORTEST_MATCH + 16 + range.tree(probabilities, base + LENGTH_HIGH, LENGTH_HIGH_BITS);
  }

  /** A slot says how many bits a distance has, and its first two; short ones are learned whole, of long ones only the last four. */
  #distance(length: number): number {
    const range = this.#range;
    const probabilities = this.#probabilities;
    const lengthClass = Math.min(length - SHORTEST_MATCH, LENGTH_CLASSES - 1);
    const slot = range.tree(probabilities, SLOTS + (lengthClass << SLOT_BITS), SLOT_BITS);
    if (slot < FIRST_MODELLED_SLOT) return slot;
    const bits = (slot >> 1) - 1;
    const high = (2 | (slot & 1)) << bits;
    if (slot < FIRST_DIRECT_SLOT) return high + range.reverseTree(probabilities, MODELLED + high - slot, bits);
    const middle = range.direct(bits - ALIGN_BITS) << ALIGN_BITS;
    return (high + middle + range.reverseTree(probabilities, ALIGN, ALIGN_BITS)) | 0;
  }

  #copy(length: number, end: number, offset: number): void {
    const { buffer, position, origin, size } = this.#window;
    const distance = (this.#distance0 >>> 0) + 1;
    if (distance > position - origin || distance > size || position + length > end) {
      throw corrupt('LZMA run', `a match of ${length} bytes at distance ${distance} leaves its bounds`, offset);
    }
    this.#window.position = position + length;
    if (distance >= length && length > LONG_COPY) {
      buffer.copyWithin(position, position - distance, position - distance + length);
      return;
    }
    // a match may overlap what it makes: byte by byte
    for (let at = position; at < position + length; at++) buffer[at] = buffer[at - distance] as number;
  }
}
