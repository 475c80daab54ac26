const SMALLEST = 2 ** 16;

/** What was decoded last: matches refer back into it. Whole pieces leave it for `emit`, in order. */
export class Window {
  buffer = new Uint8Array(SMALLEST);
  /** Where the next byte goes. */
  position = 0;
  /** Where what matches may refer to begins: below zero once the window has slid. */
  origin = 0;
  readonly size: number;
  readonly #emit: (piece: Uint8Array) => void;
  #emitted = 0;

  constructor(size: number, emit: (piece: Uint8Array) => void) {
    this.size = size;
    this.#emit = emit;
  }

  /** Forgets what matches may refer to. */
  reset(): void {
    this.origin = this.position;
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    if (this.position + count <= this.buffer.length) return;
    // sliding costs a copy of the window: only once as much has passed through
    if (this.position > 2 * this.size) this.#slide();
    if (this.position + count > this.buffer.length) this.#grow(this.position + count);
  }

  put(bytes: Uint8Array): void {
    this.buffer.set(bytes, this.position);
    this.position += bytes.length;
  }

  /** Hands on what was decoded since the last time. The piece is valid until the next byte is decoded. */
  flush(): void {
    if (this.#emitted < this.position) this.#emit(this.buffer.subarray(this.#emitted, this.position));
    this.#emitted = this.position;
  }

  #slide(): void {
    const from = this.position - this.size;
    this.buffer.copyWithin(0, from, this.position);
    this.position -= from;
    this.#emitted -= from;
    this.origin -= from;
  }

  #grow(needed: number): void {
    const larger = new Uint8Array(
      Math.max(needed, Math.min(2 * this.buffer.length, this.buffer.length + 2 * this.size)),
    );
    larger.set(this.buffer.subarray(0, this.position));
    this.buffer = larger;
  }
}
