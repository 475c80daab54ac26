// LZO1X, as described by Documentation/staging/lzo.rst of Linux. Instructions are a byte and operands; each copies bytes that
// were written before (a match) and then up to three bytes of its own (literals). How the smallest instructions are meant depends
// on how many literals came before them.

/** How far back the longest kinds of matches reach. */
const FAR_DISTANCE = 0x4000;
const MIDDLE_DISTANCE = 0x800;

/**
 * Decompresses into `output`, never past its end.
 * @returns how many bytes were written
 * @throws RangeError when the stream is damaged or holds more
 */
export function decompressLzo(input: Uint8Array, output: Uint8Array): number {
  return new LzoDecoder(input, output).run();
}

class LzoDecoder {
  readonly #input: Uint8Array;
  readonly #output: Uint8Array;
  #read = 0;
  #written = 0;
  /** Literals that the instruction before ended with; 4 stands for a run of them. */
  #literals = 0;

  constructor(input: Uint8Array, output: Uint8Array) {
    this.#input = input;
    this.#output = output;
  }

  run(): number {
    this.#start();
    while (this.#step(this.#byte()));
    return this.#written;
  }

  /** The first byte may be a run of literals, which needs no instruction before it. */
  #start(): void {
    const first = this.#input[0];
    if (first === undefined || first <= 17) return;
    this.#read = 1;
    const count = first - 17;
    this.#copyLiterals(count);
    this.#literals = Math.min(count, 4);
  }

  /** @returns false at the end of the stream */
  #step(instruction: number): boolean {
    if (instruction >= 64) this.#nearMatch(instruction);
    else if (instruction >= 32) this.#middleMatch(instruction);
    else if (instruction >= 16) return this.#farMatch(instruction);
    else if (this.#literals === 0) this.#literalRun(instruction);
    else this.#shortMatch(instruction);
    return true;
  }

  #literalRun(instruction: number): void {
    this.#copyLiterals(3 + this.#length(instruction, 15));
    this.#literals = 4;
  }

  /** Two bytes from close by, or, behind a run of literals, three from further back. */
  #shortMatch(instruction: number): void {
    const back = (this.#byte() << 2) + (instruction >> 2) + 1;
    if (this.#literals === 4) this.#match(back + MIDDLE_DISTANCE, 3, instruction & 3);
    else this.#match(back, 2, instruction & 3);
  }

  #nearMatch(instruction: number): void {
    const back = (this.#byte() << 3) + ((instruction >> 2) & 7) + 1;
    this.#match(back, (instruction >> 5) + 1, instruction & 3);
  }

  #middleMatch(instruction: number): void {
    const length = this.#length(instruction, 31) + 2;
    const operand = this.#word();
    this.#match((operand >> 2) + 1, length, operand & 3);
  }

  #farMatch(instruction: number): boolean {
    const length = this.#length(instruction, 7) + 2;
    const operand = this.#word();
    const back = ((instruction & 8) << 11) + (operand >> 2);
    if (back === 0) return false;
    this.#match(back + FAR_DISTANCE, length, operand & 3);
    return true;
  }

  /** In the bits of a mask; where they are zero, in bytes behind: 255 for each zero byte, and the first other one. */
  #length(instruction: number, mask: number): number {
    const short = instruction & mask;
    if (short !== 0) return short;
    let length = mask;
    for (let byte = this.#byte(); ; byte = this.#byte()) {
      if (byte !== 0) return length + byte;
      length += 255;
    }
  }

  #match(back: number, length: number, literals: number): void {
    const from = this.#written - back;
    if (from < 0) throw new RangeError(`a match reaches ${-from} bytes before the start`);
    this.#checkRoom(length);
    const output = this.#output;
    // byte by byte: a match may run into what it writes
    for (let index = 0; index < length; index++) output[this.#written + index] = output[from + index] as number;
    this.#written += length;
    this.#copyLiterals(literals);
    this.#literals = literals;
  }

  #copyLiterals(count: number): void {
    if (this.#read + count > this.#input.length) throw new RangeError('the stream ends early');
    this.#checkRoom(count);
    for (let index = 0; index < count; index++) {
      this.#output[this.#written + index] = this.#input[this.#read + index] as number;
    }
    this.#read += count;
    this.#written += count;
  }

  #checkRoom(count: number): void {
    if (this.#written + count > this.#output.length) {
      throw new RangeError(`there is more than ${this.#output.length} bytes of content`);
    }
  }

  #byte(): number {
    const byte = this.#input[this.#read++];
    if (byte === undefined) throw new RangeError('the stream ends early');
    return byte;
  }

  #word(): number {
    const low = this.#byte();
    return low | (this.#byte() << 8);
  }
}
